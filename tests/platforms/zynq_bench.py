"""The simulated Zynq shell with a DMA engine and a processor; used by the test cases in `cocotb_zynq.py`."""

import random
from pathlib import Path

import cocotb
import numpy as np
from axi_dma import Channel, Engine, Memory
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource
from kernel_stub import Sizes

from rtlnn.platforms.zynq.driver import Accelerator, Design, Port

WORD = 8
DESIGN = 0x0123_4567_89AB_CDEF


def stride(frame_bytes: int) -> int:
    return -(-frame_bytes // WORD) * WORD


class SimulatedRegisters:
    """The driver's registers: its thread waits for the simulation."""

    def __init__(self, read, write) -> None:
        self._read, self._write = resume(read), resume(write)

    def read(self, offset: int) -> int:
        return self._read(offset)

    def write(self, offset: int, value: int) -> None:
        self._write(offset, value)


class Bench:
    """A shell with its clock, DMA engine and processor."""

    def __init__(self, dut) -> None:
        self.dut, self.sizes, self.memory = dut, Sizes.load(Path()), Memory()
        seed = random.getrandbits(32)
        print(f"seed {seed}")
        self.random, self.numpy = random.Random(seed), np.random.default_rng(seed)
        dut.aresetn.value = 0
        cocotb.start_soon(Clock(dut.aclk, 2, unit="ns").start())
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, byte_lanes=WORD, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, byte_lanes=WORD, **reset)
        for part in (self.host.write_if, self.host.read_if, self.source, self.sink):
            part.log.setLevel("ERROR")
        self.engine = Engine(Channel(WORD, self._send), Channel(WORD, self._receive))
        self.transfers: list[int] = []  # bytes of each one from the shell
        self.broken = False  # whether memory answers with errors

    async def reset(self) -> None:
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 5)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    def stall(self, share: float) -> None:
        def pauses():
            while True:
                yield self.random.random() < share

        self.source.set_pause_generator(pauses())
        self.sink.set_pause_generator(pauses())

    # --- the engine's streams ---

    def _send(self, channel: Channel, address: int, length: int) -> None:
        epoch = channel.epoch

        async def send() -> None:
            if self.broken:
                channel.fail(epoch)
                return
            await self.source.send(self.memory.find(address, length).tobytes())
            await self.source.wait()
            channel.done(epoch)

        cocotb.start_soon(send())

    def _receive(self, channel: Channel, address: int, length: int) -> None:
        epoch = channel.epoch

        async def receive() -> None:
            while channel.epoch == epoch:
                if self.sink.empty():
                    await RisingEdge(self.dut.aclk)
                    continue
                got = np.frombuffer(bytes(self.sink.recv_nowait().tdata), np.uint8)
                self.transfers.append(len(got))
                if len(got) > length:
                    channel.fail(epoch, 1 << 4)
                    return
                self.memory.find(address, length)[: len(got)] = got
                channel.done(epoch, len(got))
                return

        cocotb.start_soon(receive())

    # --- the processor ---

    async def read(self, offset: int) -> int:
        return await self.host.read_dword(offset)

    async def write(self, offset: int, value: int) -> None:
        await self.host.write_dword(offset, value)

    async def _dma_read(self, offset: int) -> int:
        await ClockCycles(self.dut.aclk, 20)
        return self.engine.read(offset)

    async def _dma_write(self, offset: int, value: int) -> None:
        await ClockCycles(self.dut.aclk, 4)
        if offset in (0x00, 0x30) and value & 4:
            for part in (self.source, self.sink):
                part.assert_reset(True)
                part.clear()
            await ClockCycles(self.dut.aclk, 3)
            for part in (self.source, self.sink):
                part.assert_reset(False)
        self.engine.write(offset, value)

    @property
    def design(self) -> Design:
        s = self.sizes
        shapes = (1, s.beats, s.in_bytes), (1, s.beats, s.out_bytes)
        ports = [
            Port(shape, "u1", 8, 1.0, 0, stride(size))
            for shape, size in zip(shapes, (s.in_frame, s.out_frame), strict=True)
        ]
        return Design("core", DESIGN, *ports, most_frames=1000, weight_bytes=None)

    async def accelerator(self, frames: int = 8, timeout: float = 20.0, design: Design | None = None) -> Accelerator:
        shell = SimulatedRegisters(self.read, self.write)
        dma = SimulatedRegisters(self._dma_read, self._dma_write)
        make = bridge(Accelerator)
        return await make(design or self.design, shell, dma, self.memory.allocate, timeout=timeout, frames=frames)

    # --- frames ---

    def frames(self, count: int) -> np.ndarray:
        return self.numpy.integers(0, 256, (count, 1, self.sizes.beats, self.sizes.in_bytes))

    def expected(self, frames: np.ndarray) -> np.ndarray:
        j = np.arange(self.sizes.out_bytes)
        beats = frames[..., j % self.sizes.in_bytes] + j + 3 * np.arange(self.sizes.beats)[:, None]
        return beats & 255
