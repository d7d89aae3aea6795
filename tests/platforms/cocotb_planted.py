"""Faults planted into a running kernel: a case passes if the checks notice. `test_kernel_simulation.py` starts them."""

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotb_kernel import assert_full_rate
from kernel_bench import SINK, SOURCE, Bench

COUNT = 40


async def run(b: Bench) -> None:
    """Frames through the kernel, with every check."""
    frames = b.place(SOURCE, COUNT)
    await b.start(SOURCE, SINK, COUNT)
    assert await b.finish() == 0
    b.check(SINK, frames)
    assert_full_rate(b, COUNT)


async def plant(signal, change, after: int) -> None:
    """`signal` becomes change(signal) once, `after` words of results have been written."""
    clock, valid, ready = (getattr(cocotb.top, name) for name in ("ap_clk", "m_axi_out_wvalid", "m_axi_out_wready"))
    while after:
        await RisingEdge(clock)
        after -= valid.value == 1 and ready.value == 1
    await FallingEdge(clock)  # at the rising edge the circuit itself writes its registers
    signal.value = change(int(signal.value))


@cocotb.test(timeout_time=200, timeout_unit="us")
async def without_a_fault(dut) -> None:
    b = Bench(dut)
    await b.reset()
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def a_wrong_bit_in_memory(dut) -> None:
    b = Bench(dut)
    await b.reset()
    send, left = b.reader.r_channel.send, [37]

    async def flip(item) -> None:
        left[0] -= 1
        item.rdata ^= 1 << 5 if left[0] == 0 else 0
        await send(item)

    b.reader.r_channel.send = flip
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def a_bubble(dut) -> None:
    b = Bench(dut)
    await b.reset()

    async def pause() -> None:
        while len(b.watch.core_beats) < 10 * b.sizes.beats:
            await RisingEdge(dut.ap_clk)
        b.reader.r_channel.pause = True
        await ClockCycles(dut.ap_clk, 2)
        b.reader.r_channel.pause = False

    cocotb.start_soon(pause())
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def a_lost_beat(dut) -> None:
    b = Bench(dut)
    await b.reset()
    cocotb.start_soon(plant(dut.core.beat, lambda beat: (beat + 1) % b.sizes.beats, 100))
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def a_burst_across_a_page(dut) -> None:
    b = Bench(dut)
    await b.reset()
    cocotb.start_soon(plant(dut.writer.planner.burst__payload, lambda burst: burst + 1, 100))
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def a_burst_too_short(dut) -> None:
    b = Bench(dut)
    await b.reset()
    cocotb.start_soon(plant(dut.writer.left, lambda left: left - 1, 100))
    await run(b)


@cocotb.test(timeout_time=200, timeout_unit="us", expect_fail=True)
async def room_that_is_not_there(dut) -> None:
    b = Bench(dut)
    await b.reset()
    dut.reader.room.value = 1023  # twice the FIFO
    b.writer.w_channel.pause = True
    frames = b.place(SOURCE, 200)
    await b.start(SOURCE, SINK, 200)
    await ClockCycles(dut.ap_clk, 3000)
    b.writer.w_channel.pause = False
    assert await b.finish() == 0
    b.check(SINK, frames)
