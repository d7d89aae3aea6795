"""What the simulated host and memory of a kernel need; used by the test cases in `cocotb_kernel.py`."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiReadBus, AxiSlaveRead, AxiSlaveWrite, AxiWriteBus
from kernel_stub import Sizes

from rtlnn.platforms.alveo.axi import BURST_WORDS, WORD_BYTES
from rtlnn.platforms.alveo.control import ControlBit, Register

PAGE = 4096
SOURCE = 0x0001_2345_0000  # above 4 GiB: both halves of an address count
SINK = 0x0007_89AB_0000


def stride(frame_bytes: int) -> int:
    return -(-frame_bytes // WORD_BYTES) * WORD_BYTES


class Ddr:
    """Memory that grows by need; unwritten bytes are 0xEE; accesses to a `broken` page fail."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.broken: set[int] = set()
        self.accesses = 0

    def page(self, address: int) -> bytearray:
        return self.pages.setdefault(address // PAGE, bytearray(b"\xee" * PAGE))

    def load(self, address: int, length: int) -> bytes:
        return bytes(self.page(a)[a % PAGE] for a in range(address, address + length))

    def store(self, address: int, data: bytes) -> None:
        for offset, value in enumerate(data):
            self.page(address + offset)[(address + offset) % PAGE] = value

    async def read(self, address: int, length: int) -> bytes:
        self.accesses += 1
        if address // PAGE in self.broken:
            raise ValueError("broken page")
        return bytes(self.page(address)[address % PAGE :][:length])

    async def write(self, address: int, data: bytes) -> None:
        self.accesses += 1
        if address // PAGE in self.broken:
            raise ValueError("broken page")
        self.page(address)[address % PAGE : address % PAGE + len(data)] = data


@dataclass
class Watch:
    """What the monitors of the memory buses saw."""

    reads: list[tuple[int, int]] = field(default_factory=list)  # (address, words)
    writes: list[tuple[int, int]] = field(default_factory=list)
    most_reads_in_flight: int = 0
    most_writes_in_flight: int = 0
    core_beats: list[int] = field(default_factory=list)  # cycles of the core's input handshakes


class Bench:
    """A kernel with its clock, host, memory and monitors."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.sizes = Sizes.load(Path())
        seed = random.getrandbits(32)  # cocotb has seeded it from the case's name and COCOTB_RANDOM_SEED
        print(f"seed {seed}")
        self.random = random.Random(seed)
        self.numpy = np.random.default_rng(seed)
        self.ddr = Ddr()
        self.watch = Watch()
        self.sum = 0  # of the weights, where the core has some
        dut.ap_rst_n.value = 0
        cocotb.start_soon(Clock(dut.ap_clk, 2, unit="ns").start())
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
        self.reader = AxiSlaveRead(AxiReadBus.from_prefix(dut, "m_axi_in"), dut.ap_clk, target=self.ddr, **reset)
        self.writer = AxiSlaveWrite(AxiWriteBus.from_prefix(dut, "m_axi_out"), dut.ap_clk, target=self.ddr, **reset)
        for part in (self.host.write_if, self.host.read_if, self.reader, self.writer):
            part.log.setLevel("ERROR")  # the models warn of every access that a case makes fail
        self.monitors: list[Task] = []
        self.start_monitors()

    def start_monitors(self) -> None:
        """Watch the memory buses and the core's input from now on; nothing is in flight."""
        watches = (self._monitor_reads(), self._monitor_writes(), self._monitor_core())
        self.monitors = [cocotb.start_soon(watch) for watch in watches]

    def stop_monitors(self) -> None:
        for monitor in self.monitors:
            monitor.cancel()

    async def reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 5)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)

    # --- memory ---

    def pauses(self, share: float) -> Iterator[bool]:
        while True:
            yield self.random.random() < share

    def stall(self, share: float) -> None:
        """Random pauses on every channel of every bus, in both directions."""
        memory = (self.reader.ar_channel, self.reader.r_channel)
        memory += (self.writer.aw_channel, self.writer.w_channel, self.writer.b_channel)
        host = (self.host.write_if.aw_channel, self.host.write_if.w_channel, self.host.write_if.b_channel)
        host += (self.host.read_if.ar_channel, self.host.read_if.r_channel)
        for channel in memory + host:
            channel.set_pause_generator(self.pauses(share))

    def place(self, address: int, count: int) -> np.ndarray:
        """Put `count` random frames at `address`, with garbage between them. Returns the frames."""
        frames = self.numpy.integers(0, 256, (count, self.sizes.in_frame), dtype=np.uint8)
        padding = stride(self.sizes.in_frame) - self.sizes.in_frame
        garbage = self.numpy.integers(1, 256, (count, padding), dtype=np.uint8)
        self.ddr.store(address, np.concatenate([frames, garbage], axis=1).tobytes())
        return frames

    def expected(self, frames: np.ndarray) -> np.ndarray:
        """Memory that the kernel leaves for these frames: (frames, stride) bytes, zero behind each frame."""
        s = self.sizes
        beats = frames.reshape(-1, s.beats, s.in_bytes).astype(np.int64)
        j = np.arange(s.out_bytes)
        out = beats[:, :, j % s.in_bytes] + j + 3 * np.arange(s.beats)[:, None] + self.sum
        out = (out & 255).astype(np.uint8).reshape(-1, s.out_frame)
        return np.pad(out, ((0, 0), (0, stride(s.out_frame) - s.out_frame)))

    def check(self, address: int, frames: np.ndarray) -> None:
        """The results of `frames` are at `address`, and nothing was written before or behind them."""
        want = self.expected(frames)
        got = np.frombuffer(self.ddr.load(address, want.size), np.uint8).reshape(want.shape)
        wrong = np.argwhere(got != want)
        assert not len(wrong), f"{len(wrong)} wrong bytes; the first is byte {wrong[0][1]} of frame {wrong[0][0]}"
        assert self.ddr.load(address - WORD_BYTES, WORD_BYTES) == b"\xee" * WORD_BYTES, "written before the results"
        assert self.ddr.load(address + want.size, WORD_BYTES) == b"\xee" * WORD_BYTES, "written behind the results"

    # --- host ---

    async def read(self, register: int) -> int:
        return await self.host.read_dword(register)

    async def write(self, register: int, value: int) -> None:
        await self.host.write_dword(register, value)

    async def arguments(self, source: int, sink: int, frames: int) -> None:
        await self.write(Register.INPUT_LOW, source & 0xFFFFFFFF)
        await self.write(Register.INPUT_HIGH, source >> 32)
        await self.write(Register.OUTPUT_LOW, sink & 0xFFFFFFFF)
        await self.write(Register.OUTPUT_HIGH, sink >> 32)
        await self.write(Register.FRAMES, frames)

    async def start(self, source: int, sink: int, frames: int) -> None:
        """The host's sequence: arguments, then START."""
        await self.arguments(source, sink, frames)
        await self.write(Register.CONTROL, ControlBit.START)

    async def wait_for(self, bits: int, value: int, polls: int = 3000) -> int:
        """Poll CONTROL until (CONTROL & bits) == value."""
        for _ in range(polls):
            control = await self.read(Register.CONTROL)
            if control & bits == value:
                return control
        raise AssertionError(f"CONTROL stays at {control:#x}")

    async def finish(self, polls: int = 3000) -> int:
        """Wait for DONE, acknowledge it. Returns the status register, read before the acknowledgement."""
        await self.wait_for(ControlBit.DONE, ControlBit.DONE, polls)
        status = await self.read(Register.STATUS)
        await self.write(Register.CONTROL, ControlBit.CONTINUE)
        return status

    # --- monitors: sample just before each clock edge ---

    async def _edges(self):
        while True:
            await RisingEdge(self.dut.ap_clk)
            if self.dut.ap_rst_n.value == 1:
                yield

    def _burst(self, prefix: str, channel: str) -> tuple[int, int]:
        """Check the burst that is offered; returns (address, words)."""
        signal = {n: int(getattr(self.dut, f"{prefix}{channel}{n}").value) for n in ("addr", "len", "size", "burst")}
        address, words = signal["addr"], signal["len"] + 1
        assert signal["size"] == 6, "not 64 bytes a beat"
        assert signal["burst"] == 1, "not an incrementing burst"
        assert address % WORD_BYTES == 0
        assert words <= BURST_WORDS, f"burst of {words} beats"
        assert address // PAGE == (address + words * WORD_BYTES - 1) // PAGE, "burst across 4 KiB"
        return address, words

    async def _monitor_reads(self) -> None:
        d, in_flight, offer = self.dut, 0, None
        async for _ in self._edges():
            if d.m_axi_in_arvalid.value == 1:
                burst = self._burst("m_axi_in_", "ar")
                assert offer in (None, burst), "a read burst changed while it was offered"
                offer = burst
                if d.m_axi_in_arready.value == 1:
                    self.watch.reads.append(burst)
                    in_flight, offer = in_flight + 1, None
            else:
                assert offer is None, "a read burst was taken back"
            if d.m_axi_in_rvalid.value == 1:
                assert d.m_axi_in_rready.value == 1, "the read channel was held up"
                in_flight -= d.m_axi_in_rlast.value == 1
            self.watch.most_reads_in_flight = max(self.watch.most_reads_in_flight, in_flight)
            assert d.m_axi_in_awvalid.value == 0
            assert d.m_axi_in_wvalid.value == 0

    async def _monitor_writes(self) -> None:
        d, in_flight, offer = self.dut, 0, None
        bursts: deque[int] = deque()  # words of each burst that is announced and not sent
        sent = 0
        held: int | None = None
        async for _ in self._edges():
            if d.m_axi_out_wvalid.value == 1:
                assert bursts, "data before its address"
                data = int(d.m_axi_out_wdata.value)
                assert held in (None, data), "a held word changed"
                held = data
                assert d.m_axi_out_wlast.value == (sent == bursts[0] - 1), "WLAST in the wrong place"
                if d.m_axi_out_wready.value == 1:
                    held, sent = None, sent + 1
                    if sent == bursts[0]:
                        bursts.popleft()
                        sent = 0
            else:
                assert held is None, "a word was taken back"
                assert sent == 0, "a gap inside a burst: the memory waits for the kernel"
            if d.m_axi_out_awvalid.value == 1:
                burst = self._burst("m_axi_out_", "aw")
                assert offer in (None, burst), "a write burst changed while it was offered"
                offer = burst
                if d.m_axi_out_awready.value == 1:
                    self.watch.writes.append(burst)
                    bursts.append(burst[1])
                    in_flight, offer = in_flight + 1, None
            else:
                assert offer is None, "a write burst was taken back"
            if d.m_axi_out_bvalid.value == 1 and d.m_axi_out_bready.value == 1:
                in_flight -= 1
            self.watch.most_writes_in_flight = max(self.watch.most_writes_in_flight, in_flight)
            assert d.m_axi_out_arvalid.value == 0

    async def _monitor_core(self) -> None:
        cycle = 0
        async for _ in self._edges():
            cycle += 1
            if self.dut.core.s_axis_tvalid.value == 1 and self.dut.core.s_axis_tready.value == 1:
                self.watch.core_beats.append(cycle)
