"""Test cases of the kernel's way with frames; `test_kernel_simulation.py` runs them inside the simulator."""

import random
from itertools import pairwise

import cocotb
from cocotb.triggers import ClockCycles, with_timeout
from kernel_bench import PAGE, SINK, SOURCE, Bench, stride

from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.alveo.control import ControlBit, Register, StatusBit
from rtlnn.platforms.alveo.emission import OUTSTANDING


@cocotb.test(timeout_time=500, timeout_unit="us")
async def frames_arrive(dut) -> None:
    b = Bench(dut)
    await b.reset()
    frames = b.place(SOURCE, 5)
    await b.start(SOURCE, SINK, 5)
    assert await b.finish() == 0
    b.check(SINK, frames)
    assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
    assert sum(words for _, words in b.watch.reads) * WORD_BYTES == 5 * stride(b.sizes.in_frame)
    assert sum(words for _, words in b.watch.writes) * WORD_BYTES == 5 * stride(b.sizes.out_frame)


@cocotb.test(timeout_time=3000, timeout_unit="us")
async def many_frames_under_stalls(dut) -> None:
    """64 frames in one start, from and to places just before a 4 KiB boundary."""
    b = Bench(dut)
    b.stall(0.3)
    await b.reset()
    source, sink = SOURCE + PAGE - WORD_BYTES, SINK + PAGE - 3 * WORD_BYTES
    frames = b.place(source, 64)
    await b.start(source, sink, 64)
    assert await b.finish() == 0
    b.check(sink, frames)
    for bursts, first, size in ((b.watch.reads, source, b.sizes.in_frame), (b.watch.writes, sink, b.sizes.out_frame)):
        address = first
        for at, words in bursts:
            assert at == address
            address += words * WORD_BYTES
            assert address % PAGE == 0 or address == first + 64 * stride(size), "a short burst in the middle"


@cocotb.test(timeout_time=200, timeout_unit="us")
async def no_frames_complete_at_once(dut) -> None:
    b = Bench(dut)
    await b.reset()
    await b.start(SOURCE, SINK, 0)
    await ClockCycles(dut.ap_clk, 12)
    assert await b.read(Register.CONTROL) & ControlBit.DONE
    assert await b.finish() == 0
    assert not b.ddr.accesses
    frames = b.place(SOURCE, 2)
    await b.start(SOURCE, SINK, 2)
    assert await b.finish() == 0
    b.check(SINK, frames)


@cocotb.test(timeout_time=2000, timeout_unit="us")
async def starts_overlap(dut) -> None:
    """The next start is given while a run goes on; DONE comes once a run, in order, held until CONTINUE."""
    b = Bench(dut)
    b.stall(0.1)
    await b.reset()
    runs = []
    for index, count in enumerate((3, 0, 7, 1, 4)):
        source, sink = SOURCE + index * 0x40000, SINK + index * 0x40000 + WORD_BYTES * index
        runs.append((source, sink, count, b.place(source, count)))

    async def give_starts() -> None:
        for source, sink, count, _ in runs:
            await b.wait_for(ControlBit.READY, ControlBit.READY)
            assert not await b.read(Register.CONTROL) & ControlBit.START
            await b.start(source, sink, count)

    starts = cocotb.start_soon(give_starts())
    for _, sink, _, frames in runs:
        await b.wait_for(ControlBit.DONE, ControlBit.DONE)
        await ClockCycles(dut.ap_clk, b.random.randrange(300))
        assert await b.read(Register.CONTROL) & ControlBit.DONE, "DONE was not held"
        b.check(sink, frames)
        await b.write(Register.CONTROL, ControlBit.CONTINUE)
        await ClockCycles(dut.ap_clk, 4)
    await starts
    assert await b.wait_for(0xFF, ControlBit.IDLE | ControlBit.READY)
    await b.write(Register.CONTROL, ControlBit.CONTINUE)  # nobody waits: no effect
    assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY


@cocotb.test(timeout_time=2000, timeout_unit="us")
async def reset_in_flight(dut) -> None:
    b = Bench(dut)
    b.stall(0.2)
    await b.reset()
    for wait in (30, 90, 200, 333):
        b.place(SOURCE, 50)
        await b.start(SOURCE, SINK, 50)
        await ClockCycles(dut.ap_clk, wait)
        await restart(b)
        assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
        assert await b.read(Register.FRAMES) == 0
        frames = b.place(SOURCE, 6)
        sink = SINK + 0x100000 + wait * PAGE
        await b.start(SOURCE, sink, 6)
        assert await b.finish() == 0
        b.check(sink, frames)


async def restart(b: Bench) -> None:
    """Reset kernel and memory together, and forget what the monitors have seen."""
    b.stop_monitors()
    await b.reset()
    b.start_monitors()


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def errors_end_the_run(dut) -> None:
    """A memory that answers with an error: the run ends, the status says which side, the next run is clean."""
    b = Bench(dut)
    b.stall(0.1)
    await b.reset()
    count = 2 + 2 * PAGE // min(stride(b.sizes.in_frame), stride(b.sizes.out_frame))
    frames = b.place(SOURCE, count)
    for side, bit in ((SOURCE, StatusBit.READ_ERROR), (SINK, StatusBit.WRITE_ERROR)):
        b.ddr.broken = {side // PAGE + 1}
        await b.start(SOURCE, SINK, count)
        assert await b.finish() == bit
        b.ddr.broken = set()
        await b.start(SOURCE, SINK, count)
        assert await b.finish() == 0
        b.check(SINK, frames)
    # DECERR, and both sides at once
    read_send, write_send = b.reader.r_channel.send, b.writer.b_channel.send

    async def bad_read(item) -> None:
        item.rresp = 3
        await read_send(item)

    async def bad_write(item) -> None:
        item.bresp = 3
        await write_send(item)

    b.reader.r_channel.send, b.writer.b_channel.send = bad_read, bad_write
    await b.start(SOURCE, SINK, 1)
    assert await b.finish() == StatusBit.READ_ERROR | StatusBit.WRITE_ERROR


@cocotb.test(timeout_time=500, timeout_unit="us")
async def misaligned_addresses_are_reported(dut) -> None:
    b = Bench(dut)
    await b.reset()
    frames = b.place(SOURCE, 1)
    for source, sink in ((SOURCE + 1, SINK), (SOURCE, SINK + 32)):
        await b.start(source, sink, 1)
        assert await b.finish() == StatusBit.ADDRESS_ERROR
    await b.start(SOURCE, SINK, 1)
    assert await b.finish() == 0
    b.check(SINK, frames)


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def full_rate(dut) -> None:
    """With an ideal memory the core gets a beat in every cycle, across frames and runs."""
    b = Bench(dut)
    await b.reset()
    count, s = 64, b.sizes
    frames = b.place(SOURCE, 2 * count)
    await b.start(SOURCE, SINK, count)
    await b.wait_for(ControlBit.READY, ControlBit.READY)
    await b.start(SOURCE + count * stride(s.in_frame), SINK + count * stride(s.out_frame), count)
    assert await b.finish() == 0
    assert await b.finish() == 0
    b.check(SINK, frames)
    assert_full_rate(b, count)


def cycles_per_frame(b: Bench) -> int:
    """A frame takes its beats, or its words if a memory bus limits it."""
    return max(b.sizes.beats, stride(b.sizes.in_frame) // WORD_BYTES, stride(b.sizes.out_frame) // WORD_BYTES)


def assert_full_rate(b: Bench, count: int) -> None:
    """The first run, of `count` frames, took no cycle more than the core or a memory bus needs.

    When a second run starts depends on the speed of the host, and the memory model's start-up shows in the first frame.
    """
    s, interval = b.sizes, cycles_per_frame(b)
    firsts = b.watch.core_beats[:: s.beats]
    steps = [after - before for before, after in pairwise(firsts[1:count])]
    assert steps == [interval] * len(steps), f"intervals at the core's input: {steps}"
    if interval == s.beats:
        beats = b.watch.core_beats[s.beats : count * s.beats]
        assert beats == list(range(beats[0], beats[0] + len(beats))), "a bubble at the core's input"


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def bursts_overlap(dut) -> None:
    """Reads run ahead of a slow memory up to the number that is promised; writes do not wait for answers."""
    b = Bench(dut)
    await b.reset()
    count = 12 * PAGE // stride(b.sizes.in_frame)
    b.reader.ar_channel.queue_occupancy_limit = b.writer.aw_channel.queue_occupancy_limit = 64
    b.reader.r_channel.pause = True
    b.writer.b_channel.pause = True
    # Two short bursts first, so that there is room for more than the number.
    short, source = SOURCE - 2 * PAGE - WORD_BYTES, SOURCE - WORD_BYTES
    early, frames = b.place(short, 2), b.place(source, count)
    await b.start(short, SINK - 0x100000, 2)
    await b.wait_for(ControlBit.READY, ControlBit.READY)
    await b.start(source, SINK, count)
    await ClockCycles(dut.ap_clk, 200)
    assert b.watch.most_reads_in_flight == OUTSTANDING
    assert len(b.watch.reads) == OUTSTANDING
    b.reader.r_channel.pause = False
    await ClockCycles(dut.ap_clk, 1000)
    assert not await b.read(Register.CONTROL) & ControlBit.DONE, "done before the answers"
    b.writer.b_channel.pause = False
    assert await b.finish() == 0
    b.check(SINK - 0x100000, early)
    b.writer.b_channel.pause = True
    bursts = min(OUTSTANDING, -(-count * stride(b.sizes.out_frame) // PAGE))
    frames_in_bursts = -(-bursts * PAGE // stride(b.sizes.out_frame))
    await ClockCycles(dut.ap_clk, 1000 + frames_in_bursts * cycles_per_frame(b))
    assert b.watch.most_writes_in_flight == bursts
    assert not await b.read(Register.CONTROL) & ControlBit.DONE, "done before the answers"
    b.writer.b_channel.pause = False
    assert await b.finish(10000) == 0
    b.check(SINK, frames)


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def results_cannot_leave(dut) -> None:
    """The memory takes no results for long: everything fills up, nothing is lost, and no read is asked in vain."""
    b = Bench(dut)
    await b.reset()
    fifo_bytes = OUTSTANDING * PAGE
    held = fifo_bytes // stride(b.sizes.out_frame)  # frames that fit behind the core
    count = held + fifo_bytes // stride(b.sizes.in_frame) + 2 * PAGE // WORD_BYTES
    frames = b.place(SOURCE, count)
    b.writer.w_channel.pause = True
    await b.start(SOURCE, SINK, count)
    await ClockCycles(dut.ap_clk, held * cycles_per_frame(b) + 2000)
    taken = len(b.watch.core_beats)
    await ClockCycles(dut.ap_clk, 100)
    assert len(b.watch.core_beats) == taken < count * b.sizes.beats, "the core was not held up"
    b.writer.w_channel.pause = False
    assert await b.finish(10000) == 0
    b.check(SINK, frames)


@cocotb.test(timeout_time=3000, timeout_unit="us")
async def memory_stops_now_and_then(dut) -> None:
    """Long pauses of one channel at a time: what is buffered fills up and drains."""
    b = Bench(dut)
    await b.reset()
    frames = b.place(SOURCE, 64)

    def long_pauses(seed: int):
        order = random.Random(seed)
        while True:
            for _ in range(order.randrange(1, 150)):
                yield False
            for _ in range(order.randrange(1, 150)):
                yield True

    channels = [b.reader.ar_channel, b.reader.r_channel]
    channels += [b.writer.aw_channel, b.writer.w_channel, b.writer.b_channel]
    for seed, channel in enumerate(channels):
        channel.set_pause_generator(long_pauses(seed + b.sizes.in_bytes))
    await b.start(SOURCE, SINK, 64)
    assert await with_timeout(cocotb.start_soon(b.finish()), 2900, "us") == 0
    b.check(SINK, frames)
