"""Test cases of a kernel that loads weights; `test_kernel_simulation.py` runs them inside the simulator."""

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiReadBus, AxiSlaveRead
from kernel_bench import PAGE, SINK, SOURCE, Bench, stride

from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.alveo.control import ControlBit, Register, StatusBit

FIRST = 0x0003_0000_0000 + PAGE - 2 * WORD_BYTES  # a 4 KiB boundary lies within the weights
SECOND = 0x0005_0000_0000
FRAMES = 6


class LoadingBench(Bench):
    """With a memory behind the bus for weights."""

    def __init__(self, dut) -> None:
        super().__init__(dut)
        bus = AxiReadBus.from_prefix(dut, "m_axi_weights")
        self.store = AxiSlaveRead(bus, dut.ap_clk, dut.ap_rst_n, target=self.ddr, reset_active_level=False)
        self.store.log.setLevel("ERROR")
        for channel in (self.store.ar_channel, self.store.r_channel):
            channel.set_pause_generator(self.pauses(0.3))
        self.bursts: list[tuple[int, int]] = []
        cocotb.start_soon(self._monitor_weights())

    async def _monitor_weights(self) -> None:
        async for _ in self._edges():
            if self.dut.m_axi_weights_arvalid.value == 1 and self.dut.m_axi_weights_arready.value == 1:
                self.bursts.append(self._burst("m_axi_weights_", "ar"))

    async def load(self, address: int) -> int:
        """Random weights at `address`, which the next start shall have. Returns the sum of their bytes."""
        size = 8 * self.sizes.weights
        weights = self.numpy.bytes(size)
        self.ddr.store(address, weights)
        await self.write(Register.WEIGHTS_LOW, address & 0xFFFFFFFF)
        await self.write(Register.WEIGHTS_HIGH, address >> 32)
        return sum(weights)


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def weights_come_before_frames(dut) -> None:
    b = LoadingBench(dut)
    b.stall(0.2)
    await b.reset()
    words = -(-8 * b.sizes.weights // WORD_BYTES)
    for number, address in enumerate((FIRST, SECOND)):
        b.sum = await b.load(address)
        for again in range(2):
            sink = SINK + PAGE * (2 * number + again) * 4
            frames = b.place(SOURCE, FRAMES)
            await b.start(SOURCE, sink, FRAMES)
            assert await b.finish() == 0
            b.check(sink, frames)
            assert sum(n for _, n in b.bursts) == words * (number + 1), "read more than once"


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def an_error_on_the_way_ends_the_run(dut) -> None:
    """SLVERR in the second burst: the run ends, the status says so until other weights have come."""
    b = LoadingBench(dut)
    await b.reset()
    await b.load(FIRST)
    b.ddr.broken = {FIRST // PAGE + 1}
    b.place(SOURCE, FRAMES)
    for _ in range(2):  # nothing is read again: the status still says that the weights are wrong
        await b.start(SOURCE, SINK - 0x100000, FRAMES)
        assert await b.finish() == StatusBit.READ_ERROR
    b.sum = await b.load(SECOND)
    frames = b.place(SOURCE, FRAMES)
    await b.start(SOURCE, SINK, FRAMES)
    assert await b.finish() == 0
    b.check(SINK, frames)


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def a_misaligned_address_is_reported(dut) -> None:
    b = LoadingBench(dut)
    await b.reset()
    await b.load(SECOND + 8)
    b.place(SOURCE, 1)
    await b.start(SOURCE, SINK, 1)
    assert await b.finish() == StatusBit.ADDRESS_ERROR


@cocotb.test(timeout_time=1000, timeout_unit="us")
async def reset_while_weights_come(dut) -> None:
    """Whatever had come is forgotten: the next start reads all of them."""
    b = LoadingBench(dut)
    await b.reset()
    words = -(-8 * b.sizes.weights // WORD_BYTES)
    for number, wait in enumerate((3, 20, 45, 400)):
        b.sum = await b.load(FIRST)
        b.place(SOURCE, 50)
        await b.start(SOURCE, SINK - 0x100000, 50)
        await ClockCycles(dut.ap_clk, wait)
        b.stop_monitors()
        await b.reset()
        b.start_monitors()
        b.bursts.clear()
        assert await b.read(Register.CONTROL) == ControlBit.IDLE | ControlBit.READY
        b.sum = await b.load(FIRST)
        frames = b.place(SOURCE, FRAMES)
        sink = SINK + number * (FRAMES + 2) * stride(b.sizes.out_frame)
        await b.start(SOURCE, sink, FRAMES)
        assert await b.finish() == 0
        b.check(sink, frames)
        assert sum(n for _, n in b.bursts) == words
