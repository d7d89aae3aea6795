"""Test cases of the AWS custom logic; `test_aws_simulation.py` runs them inside the simulator."""

import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBurstType, AxiBus, AxiLiteBus, AxiLiteMaster, AxiMaster, AxiResp
from kernel_stub import Sizes

from rtlnn.platforms.alveo.control import ControlBit, Register
from rtlnn.platforms.aws.top import IDENTITY_BASE, OUTPUT_BASE

DESIGN, INPUT_BYTES, OUTPUT_BYTES = 0x0123_4567_89AB_CDEF, 1 << 14, 1 << 15
TIME = {"timeout_time": 3000, "timeout_unit": "us"}


def stride(size: int) -> int:
    return -(-size // 64) * 64


class Bench:
    """The custom logic, with the shell's two buses as the host drives them."""

    def __init__(self, dut) -> None:
        self.dut, self.sizes = dut, Sizes.load(Path())
        seed = random.getrandbits(32)
        print(f"seed {seed}")
        self.random, self.numpy = random.Random(seed), np.random.default_rng(seed)
        dut.rst_n.value = 0
        cocotb.start_soon(Clock(dut.clk, 2, unit="ns").start())
        reset = {"reset": dut.rst_n, "reset_active_level": False}
        self.ocl = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "ocl"), dut.clk, **reset)
        self.sda = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "sda"), dut.clk, **reset)
        self.pcis = AxiMaster(AxiBus.from_prefix(dut, "pcis"), dut.clk, **reset)
        for part in (self.ocl, self.sda, self.pcis):
            part.write_if.log.setLevel("ERROR")
            part.read_if.log.setLevel("ERROR")

    async def reset(self) -> None:
        self.dut.rst_n.value = 0
        await ClockCycles(self.dut.clk, 5)
        self.dut.rst_n.value = 1
        await ClockCycles(self.dut.clk, 2)

    def stall(self, share: float) -> None:
        def pauses():
            while True:
                yield self.random.random() < share

        write, read = self.pcis.write_if, self.pcis.read_if
        for channel in (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel):
            channel.set_pause_generator(pauses())

    def frames(self, count: int) -> np.ndarray:
        return self.numpy.integers(0, 256, (count, self.sizes.in_frame), dtype=np.uint8)

    def expected(self, frames: np.ndarray) -> bytes:
        s = self.sizes
        j = np.arange(s.out_bytes)
        beats = frames.reshape(-1, s.beats, s.in_bytes).astype(np.int64)
        out = (beats[:, :, j % s.in_bytes] + j + 3 * np.arange(s.beats)[:, None]) & 255
        out = out.astype(np.uint8).reshape(-1, s.out_frame)
        return np.pad(out, ((0, 0), (0, stride(s.out_frame) - s.out_frame))).tobytes()

    async def put(self, frames: np.ndarray, at: int) -> None:
        padded = np.pad(frames, ((0, 0), (0, stride(self.sizes.in_frame) - self.sizes.in_frame)))
        answer = await self.pcis.write(at, padded.tobytes())
        assert answer.resp == AxiResp.OKAY

    async def start(self, source: int, sink: int, frames: int) -> None:
        for register, value in ((Register.INPUT_LOW, source), (Register.OUTPUT_LOW, sink), (Register.FRAMES, frames)):
            await self.ocl.write_dword(register, value)
        await self.ocl.write_dword(Register.CONTROL, ControlBit.START)

    async def finish(self) -> int:
        for _ in range(3000):
            if await self.ocl.read_dword(Register.CONTROL) & ControlBit.DONE:
                status = await self.ocl.read_dword(Register.STATUS)
                await self.ocl.write_dword(Register.CONTROL, ControlBit.CONTINUE)
                return status
        raise AssertionError("no end")

    async def identity(self) -> list[int]:
        answer = await self.pcis.read(IDENTITY_BASE, 64)
        assert answer.resp == AxiResp.OKAY
        return np.frombuffer(answer.data, "<u4").tolist()


@cocotb.test(**TIME)
async def frames_go_through(dut) -> None:
    """Two batches in the halves of the memories, the second put while the first may run; across 4 KiB boundaries."""
    b = Bench(dut)
    b.stall(0.2)
    await b.reset()
    count = INPUT_BYTES // 2 // stride(b.sizes.in_frame) - 1
    count = min(count, OUTPUT_BYTES // 2 // stride(b.sizes.out_frame) - 1, 40)
    batches = [b.frames(count) for _ in range(4)]
    for number, frames in enumerate(batches):
        half = number % 2
        source, sink = half * INPUT_BYTES // 2 + 64, OUTPUT_BASE + half * OUTPUT_BYTES // 2 + 64
        await b.put(frames, source)
        await b.start(source, sink, count)
        if number % 2:
            for done, first in ((number - 1, 64), (number, OUTPUT_BYTES // 2 + 64)):
                assert await b.finish() == 0
                wanted = b.expected(batches[done])
                answer = await b.pcis.read(OUTPUT_BASE + first, len(wanted))
                assert answer.resp == AxiResp.OKAY
                assert bytes(answer.data) == wanted


@cocotb.test(**TIME)
async def the_identity_tells_the_design(dut) -> None:
    b = Bench(dut)
    await b.reset()
    strides = [stride(b.sizes.in_frame), stride(b.sizes.out_frame)]
    wanted = [0x4E4E5452, 1, DESIGN & 0xFFFFFFFF, DESIGN >> 32, INPUT_BYTES, OUTPUT_BYTES, *strides]
    assert (await b.identity())[:16] == wanted + [0] * 8


@cocotb.test(**TIME)
async def the_management_bus_answers(dut) -> None:
    b = Bench(dut)
    await b.reset()
    await b.sda.write_dword(0x10, 0xFFFFFFFF)
    assert await b.sda.read_dword(0x10) == 0
    assert await b.sda.read_dword(0xFFC) == 0
    assert await b.ocl.read_dword(Register.INPUT_LOW) == 0


@cocotb.test(**TIME)
async def words_follow_at_full_rate(dut) -> None:
    """A burst of 4 KiB, written and read without a bubble."""
    b = Bench(dut)
    await b.reset()
    cocotb.start_soon(b.pcis.read(OUTPUT_BASE, 4096))
    taken = []
    for cycle in range(200):
        await RisingEdge(dut.clk)
        if dut.pcis_rvalid.value == 1 and dut.pcis_rready.value == 1:
            taken.append(cycle)
    assert len(taken) == 64
    assert taken[-1] - taken[0] == 63


@cocotb.test(**TIME)
async def wrong_accesses_are_answered(dut) -> None:
    """Outside, over an end, in other sizes and kinds of bursts: an answer at once, a bit, and nothing is written."""
    b = Bench(dut)
    await b.reset()
    first = b.frames(1)
    await b.put(first, 0)
    answer = await b.pcis.write(INPUT_BYTES, bytes(64))
    assert answer.resp == AxiResp.DECERR
    answer = await b.pcis.write(OUTPUT_BASE, bytes(64))
    assert answer.resp == AxiResp.DECERR
    answer = await b.pcis.write(INPUT_BYTES - 64, bytes(128))
    assert answer.resp == AxiResp.DECERR
    assert (await b.identity())[8] == 2
    for address, length in ((0, 64), (OUTPUT_BASE - 64, 64), (OUTPUT_BASE + OUTPUT_BYTES - 64, 192), (1 << 40, 640)):
        answer = await b.pcis.read(address, length)
        assert answer.resp == AxiResp.DECERR, hex(address)
        assert bytes(answer.data[-64:]) == bytes(64)
    assert (await b.pcis.read(OUTPUT_BASE, 64, burst=AxiBurstType.FIXED)).resp == AxiResp.SLVERR
    assert (await b.pcis.write(0, bytes(256), burst=AxiBurstType.FIXED)).resp == AxiResp.SLVERR
    assert (await b.pcis.write(0, bytes(4), size=2)).resp == AxiResp.SLVERR
    assert (await b.identity())[8] == 3
    await b.start(0, OUTPUT_BASE, 1)
    assert await b.finish() == 0
    wanted = b.expected(first)
    assert bytes((await b.pcis.read(OUTPUT_BASE, len(wanted))).data) == wanted


@cocotb.test(**TIME)
async def the_kernel_outside_of_memory_ends(dut) -> None:
    """Wrong addresses given to the kernel: its run ends, and its status tells the side."""
    b = Bench(dut)
    await b.reset()
    await b.put(b.frames(2), 0)
    for source, sink, status in ((INPUT_BYTES, OUTPUT_BASE, 2), (0, 0, 4), (OUTPUT_BASE, 0, 6), (0, OUTPUT_BASE, 0)):
        await b.start(source, sink, 2)
        assert await b.finish() == status
    assert (await b.identity())[8] == 0, "errors of the kernel's buses are not those of the host's"


@cocotb.test(**TIME)
async def single_bytes_are_kept(dut) -> None:
    """Strobes: four bytes at a time, as a processor writes them, in beats of 64."""
    b = Bench(dut)
    await b.reset()
    frames = b.frames(1)
    data = np.pad(frames[0], (0, stride(b.sizes.in_frame) - b.sizes.in_frame)).tobytes()
    places = list(range(0, len(data), 4))
    b.random.shuffle(places)
    for place in places:
        assert (await b.pcis.write(place, data[place : place + 4], size=6)).resp == AxiResp.OKAY
    await b.start(0, OUTPUT_BASE, 1)
    assert await b.finish() == 0
    wanted = b.expected(frames)
    assert bytes((await b.pcis.read(OUTPUT_BASE, len(wanted))).data) == wanted


@cocotb.test(**TIME)
async def resets_in_flight(dut) -> None:
    b = Bench(dut)
    b.stall(0.2)
    await b.reset()
    for wait in (5, 60, 150):
        count = 8
        await b.put(b.frames(count), 0)
        await b.start(0, OUTPUT_BASE, count)
        await ClockCycles(dut.clk, wait)
        await b.reset()
        frames = b.frames(3)
        await b.put(frames, 4096)
        await b.start(4096, OUTPUT_BASE + 4096, 3)
        assert await b.finish() == 0
        wanted = b.expected(frames)
        assert bytes((await b.pcis.read(OUTPUT_BASE + 4096, len(wanted))).data) == wanted


@cocotb.test(expect_fail=True, **TIME)
async def a_planted_fault_is_noticed(dut) -> None:
    """A bit of a result that the memory has lost."""
    b = Bench(dut)
    await b.reset()
    frames = b.frames(2)
    await b.put(frames, 0)
    await b.start(0, OUTPUT_BASE, 2)
    assert await b.finish() == 0
    wanted = b.expected(frames)
    got = bytearray((await b.pcis.read(OUTPUT_BASE, len(wanted))).data)
    got[3] ^= 1
    assert bytes(got) == wanted
