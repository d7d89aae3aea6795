"""Test cases of the kernel's registers; `test_kernel_simulation.py` runs them inside the simulator."""

from pathlib import Path

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from kernel_bench import SINK, SOURCE, Bench

from rtlnn.platforms.alveo.control import VERSION, ControlBit, Register
from rtlnn.platforms.identity import MAGIC, design_id


@cocotb.test(timeout_time=200, timeout_unit="us")
async def registers_hold_what_is_written(dut) -> None:
    b = Bench(dut)
    await b.reset()
    assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
    values = {
        Register.INPUT_LOW: 0x89ABCDC0,
        Register.INPUT_HIGH: 0x01234567,
        Register.OUTPUT_LOW: 0xFEDCBA80,
        Register.OUTPUT_HIGH: 0x76543210,
        Register.FRAMES: 0xFFFFFFFF,
    }
    for register, value in values.items():
        await b.write(register, value)
    for register, value in values.items():
        assert await b.read(register) == value, register.name
    # single bytes
    await b.host.write(Register.INPUT_LOW + 1, b"\x5a")
    assert await b.read(Register.INPUT_LOW) == 0x89AB5AC0
    await b.host.write(Register.FRAMES + 3, b"\x00")
    assert await b.read(Register.FRAMES) == 0x00FFFFFF
    # no register, read-only registers, and bits that are not supported
    mapped = {*Register}
    design = design_id(Path())
    identity = {Register.MAGIC: MAGIC, Register.VERSION: VERSION}
    identity |= {Register.DESIGN_LOW: design & 0xFFFFFFFF, Register.DESIGN_HIGH: design >> 32}
    for register, value in identity.items():
        await b.write(register, 0xFFFFFFFF)
        assert await b.read(register) == value, register.name
    for offset in (*range(0x00, 0x60, 4), 0x80, 0x7FC, 0x800, 0xFFC):
        if offset not in mapped:
            await b.write(offset, 0xFFFFFFFF)
            assert await b.read(offset) == 0, hex(offset)
    await b.write(Register.STATUS, 0xFFFFFFFF)
    assert await b.read(Register.STATUS) == 0
    await b.write(Register.CONTROL, 1 << 7)
    assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
    await b.host.write(Register.CONTROL + 1, b"\x01")  # byte 1 alone: no start
    assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
    assert not b.ddr.accesses


@cocotb.test(timeout_time=500, timeout_unit="us")
async def writes_come_in_any_order(dut) -> None:
    """Address first, data first, both at once; answers wait for the host."""
    b = Bench(dut)
    await b.reset()
    aw, w, answer = b.host.write_if.aw_channel, b.host.write_if.w_channel, b.host.write_if.b_channel
    value = 0
    for late in (aw, w, answer, b.host.read_if.ar_channel, b.host.read_if.r_channel):
        late.pause = True
        value += 0x01010101
        task = cocotb.start_soon(b.write(Register.FRAMES, value))
        await ClockCycles(dut.ap_clk, 20)
        assert not task.done() or late not in (aw, w, answer)
        read = cocotb.start_soon(b.read(Register.FRAMES))
        await ClockCycles(dut.ap_clk, 20)
        assert read.done() == (late in (aw, w, answer))
        late.pause = False
        await task
        await read
        assert await b.read(Register.FRAMES) == value
    b.stall(0.5)
    for _ in range(50):
        value = b.random.getrandbits(32)
        await b.write(Register.INPUT_HIGH, value)
        assert await b.read(Register.INPUT_HIGH) == value


@cocotb.test(timeout_time=500, timeout_unit="us")
async def interrupts(dut) -> None:
    b = Bench(dut)
    await b.reset()
    b.place(SOURCE, 1)

    async def one_run() -> None:
        await b.start(SOURCE, SINK, 1)
        await b.finish()

    await one_run()  # nothing enabled: nothing recorded
    assert await b.read(Register.INTERRUPT_STATUS) == 0
    assert dut.interrupt.value == 0
    await b.write(Register.INTERRUPT_ENABLE, 0b01)
    await one_run()  # recorded, but not passed on
    assert await b.read(Register.INTERRUPT_STATUS) == 0b01
    assert dut.interrupt.value == 0
    await b.write(Register.GLOBAL_INTERRUPT_ENABLE, 1)
    await ClockCycles(dut.ap_clk, 4)
    assert dut.interrupt.value == 1
    await b.write(Register.INTERRUPT_STATUS, 0b01)  # toggles
    await ClockCycles(dut.ap_clk, 4)
    assert await b.read(Register.INTERRUPT_STATUS) == 0
    assert dut.interrupt.value == 0
    await b.write(Register.INTERRUPT_STATUS, 0b01)  # toggles again
    assert await b.read(Register.INTERRUPT_STATUS) == 0b01
    await b.write(Register.INTERRUPT_STATUS, 0b01)
    await b.write(Register.INTERRUPT_ENABLE, 0b10)
    await one_run()
    assert await b.read(Register.INTERRUPT_STATUS) == 0b10
    await b.write(Register.INTERRUPT_STATUS, 0b10)
    await b.write(Register.INTERRUPT_ENABLE, 0b01)
    await b.start(SOURCE, SINK, 1)
    await RisingEdge(dut.interrupt)
    await b.write(Register.INTERRUPT_STATUS, 0b01)  # acknowledged before CONTINUE: it must not come back
    await ClockCycles(dut.ap_clk, 50)
    assert dut.interrupt.value == 0
    await b.finish()
