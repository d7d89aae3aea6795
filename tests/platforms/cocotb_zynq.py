"""Test cases of the Zynq shell with its driver; `test_zynq_simulation.py` runs them inside the simulator."""

import cocotb
import numpy as np
import pytest
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, RisingEdge
from zynq_bench import DESIGN, Bench, stride

from rtlnn.platforms.zynq.driver import Design, DriverError
from rtlnn.platforms.zynq.registers import Register, StatusBit

TIME = {"timeout_time": 5000, "timeout_unit": "us"}


@cocotb.test(**TIME)
async def the_driver_runs_batches(dut) -> None:
    """Transfers of 8 frames and a shorter one, the next under way while one is finished, under stalls."""
    b = Bench(dut)
    b.stall(0.3)
    await b.reset()
    accelerator = await b.accelerator()
    for count in (37, 1, 8, 0, 9):
        b.transfers.clear()
        frames = b.frames(count)
        got = await bridge(accelerator.run)(frames)
        np.testing.assert_array_equal(got, b.expected(frames))
        size = stride(b.sizes.out_frame)
        assert b.transfers == [size * min(8, count - first) for first in range(0, count, 8)]
    assert await b.read(Register.FRAMES_IN) == await b.read(Register.FRAMES_OUT) == 55
    assert await b.read(Register.STATUS) == StatusBit.WEIGHTS_LOADED
    accelerator.close()
    accelerator.close()
    assert all(buffer.freed for buffer in b.memory.buffers)


@cocotb.test(**TIME)
async def single_frames_follow_one_another(dut) -> None:
    """Transfers of one frame each: every result is a transfer of its own."""
    b = Bench(dut)
    await b.reset()
    accelerator = await b.accelerator(frames=1)
    frames = b.frames(40)
    np.testing.assert_array_equal(await bridge(accelerator.run)(frames), b.expected(frames))
    assert b.transfers == [stride(b.sizes.out_frame)] * 40


@cocotb.test(**TIME)
async def another_design_is_refused(dut) -> None:
    b = Bench(dut)
    await b.reset()
    other = Design(**{**vars(b.design), "design": DESIGN ^ 1})
    with pytest.raises(DriverError, match="another design is loaded: 0123456789abcdef, but core is 0123456789abcdee"):
        await b.accelerator(design=other)


@cocotb.test(**TIME)
async def registers_tell_what_is_there(dut) -> None:
    b = Bench(dut)
    await b.reset()
    values = {
        Register.MAGIC: int.from_bytes(b"RTNN", "little"),
        Register.VERSION: 1,
        Register.DESIGN_LOW: DESIGN & 0xFFFFFFFF,
        Register.DESIGN_HIGH: DESIGN >> 32,
        Register.INPUT_STRIDE: stride(b.sizes.in_frame),
        Register.OUTPUT_STRIDE: stride(b.sizes.out_frame),
        Register.STATUS: StatusBit.WEIGHTS_LOADED,
    }
    for offset in range(0, 0x80, 4):
        if offset != Register.CONTROL:
            await b.write(offset, 0xFFFFFFFF)
        assert await b.read(offset) == values.get(offset, 0), hex(offset)
    for value, reads in ((2, 0), (0xFFFFFFFF, 1), (2, 0), (1, 1)):
        await b.write(Register.CONTROL, value)
        assert await b.read(Register.CONTROL) == reads
    await b.source.send(bytes(64))
    await ClockCycles(dut.aclk, 20)
    assert dut.s_axis_tready.value == 0


@cocotb.test(**TIME)
async def a_transfer_that_ends_inside_a_frame_is_told(dut) -> None:
    """It cannot hang: the driver gives up, the status says why, and after its reset everything works."""
    b = Bench(dut)
    await b.reset()
    words = stride(b.sizes.in_frame) // 8
    if words == 1:
        return
    accelerator = await b.accelerator(timeout=0.3)
    await b.source.send(bytes(8 * (words - 1)))  # somebody else's
    frames = b.frames(3)
    with pytest.raises(DriverError, match=r"status is 0x[67]"):
        await bridge(accelerator.run)(frames)
    assert await b.read(Register.STATUS) == StatusBit.WEIGHTS_LOADED
    accelerator.timeout = 20.0
    np.testing.assert_array_equal(await bridge(accelerator.run)(frames), b.expected(frames))


@cocotb.test(**TIME)
async def memory_errors_are_told(dut) -> None:
    b = Bench(dut)
    await b.reset()
    accelerator = await b.accelerator()
    frames = b.frames(20)
    b.broken = True
    with pytest.raises(DriverError, match="to the network: SLVERR from memory"):
        await bridge(accelerator.run)(frames)
    b.broken = False
    np.testing.assert_array_equal(await bridge(accelerator.run)(frames), b.expected(frames))


@cocotb.test(**TIME)
async def resets_in_flight(dut) -> None:
    """By the register and by the pin, at any time: nothing of what was under way comes out later."""
    b = Bench(dut)
    b.stall(0.2)
    await b.reset()
    for number, wait in enumerate((3, 17, 50, 130)):
        await b.source.send(b.frames(5).astype(np.uint8).tobytes())
        await ClockCycles(dut.aclk, wait)
        if number % 2:
            await b.reset()
        accelerator = await b.accelerator()
        frames = b.frames(11)
        np.testing.assert_array_equal(await bridge(accelerator.run)(frames), b.expected(frames))


@cocotb.test(**TIME)
async def full_rate(dut) -> None:
    """Without stalls, a word or a beat each cycle, whichever is more, across frames."""
    b = Bench(dut)
    await b.reset()
    count, s = 32, b.sizes
    frames = b.frames(count).astype(np.uint8).reshape(count, -1)
    rows = np.zeros((count, stride(s.in_frame)), np.uint8)
    rows[:, : s.in_frame] = frames
    await b.source.send(rows.tobytes())
    taken = []
    for cycle in range(100 + count * max(s.beats, *(stride(n) // 8 for n in (s.in_frame, s.out_frame)))):
        await RisingEdge(dut.aclk)
        if dut.core.s_axis_tvalid.value == 1 and dut.core.s_axis_tready.value == 1:
            taken.append(cycle)
    assert len(taken) == count * s.beats
    interval = max(s.beats, stride(s.in_frame) // 8, stride(s.out_frame) // 8)
    starts = np.array(taken[:: s.beats])
    assert set(np.diff(starts[8:])) == {interval}
    assert len(b.sink.recv_nowait().tdata) == count * stride(s.out_frame)


@cocotb.test(**TIME)
async def planted_faults_are_noticed(dut) -> None:
    """A result that is changed on its way, and one that is lost."""
    b = Bench(dut)
    await b.reset()
    accelerator = await b.accelerator(timeout=0.3)
    frames, received = b.frames(8), b.sink.recv_nowait

    def changed():
        frame = received()
        frame.tdata[5] ^= 1
        return frame

    b.sink.recv_nowait = changed
    got = await bridge(accelerator.run)(frames)
    assert (got != b.expected(frames)).sum() <= 1
    b.sink.recv_nowait = received
    b.sink.pause = True
    with pytest.raises(DriverError, match=r"from the network did not end within 0.3 s"):
        await bridge(accelerator.run)(frames)
