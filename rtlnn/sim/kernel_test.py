"""The kernel-level cocotb test bench: the host's register sequence, frames from and to a simulated DDR memory.

Runs inside the simulator, on the kernel of a build, with files as of `bench_config`. Bus models: cocotbext-axi.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiReadBus, AxiSlaveRead, AxiSlaveWrite, AxiWriteBus
from numpy.typing import NDArray

from rtlnn.emit.weights import load_stream, load_weights
from rtlnn.sim.bench_config import CLOCK_NS, BenchConfig, Measured, bench_test
from rtlnn.sim.kernel_memory import (
    PAGE,
    UNTOUCHED,
    Ddr,
    empty_region,
    load_frames,
    place_bytes,
    place_frames,
    place_words,
)

# The register map of `ap_ctrl_chain` kernels, written out again: the host sees these numbers, not our constants.
CONTROL, INPUT, OUTPUT, FRAMES, STATUS, WEIGHTS, STREAMS = 0x00, 0x10, 0x1C, 0x28, 0x30, 0x38, 0x54
STREAM_STRIDE = 12
START, DONE, IDLE, CONTINUE = 1, 2, 4, 16

SOURCE = 0x0001_2345_0000 + PAGE - 64  # above 4 GiB; one word before a 4 KiB boundary
SINK = 0x0007_89AB_0000
STORE = 0x0003_0000_0000
STREAM_STORE = 0x0010_0000_0000 + PAGE - 128
POLL_CYCLES = 50
RESET_CYCLES = 8


class Bench:
    """A kernel with its clock, host, memory, and a watch on its core's streams."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.config, self.interface, (self.inputs,), (self.expected,) = BenchConfig.load(Path())
        self.random = random.Random(self.config.seed)
        self.accepted: list[int] = []  # cycles of the core's input and output handshakes
        self.delivered: list[int] = []
        cocotb.start_soon(Clock(dut.ap_clk, CLOCK_NS, unit="ns").start())
        source = place_frames(SOURCE, self.interface.input, self.inputs, np.random.default_rng(self.config.seed))
        self.results = empty_region(SINK - PAGE, self.interface.output, len(self.inputs))
        loads = self.interface.weight_beats is not None
        stores = [place_words(STORE, load_weights(Path()))] if loads else []
        self.streams = {
            bus.replace("s_axis_", "m_axi_"): place_bytes(STREAM_STORE + (n << 32), load_stream(Path(p.file), p.beats))
            for n, (bus, p) in enumerate(self.interface.weights.items())
        }
        ddr = Ddr((source, self.results, *stores, *self.streams.values()))
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
        self.reader = AxiSlaveRead(AxiReadBus.from_prefix(dut, "m_axi_in"), dut.ap_clk, target=ddr, **reset)
        self.writer = AxiSlaveWrite(AxiWriteBus.from_prefix(dut, "m_axi_out"), dut.ap_clk, target=ddr, **reset)
        self.loads = loads
        self.weights = [
            AxiSlaveRead(AxiReadBus.from_prefix(dut, bus), dut.ap_clk, target=ddr, **reset)
            for bus in (*(["m_axi_weights"] if loads else []), *self.streams)
        ]
        for part in (self.host.write_if, self.host.read_if, self.reader, self.writer, *self.weights):
            part.log.setLevel("WARNING")

    async def reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, RESET_CYCLES)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)
        cocotb.start_soon(self._watch())

    def stall(self, share: float) -> None:
        """Random pauses on every channel of every bus."""

        def pauses() -> Iterator[bool]:
            while True:
                yield self.random.random() < share

        write, read = self.host.write_if, self.host.read_if
        channels = [write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel]
        channels += [self.reader.ar_channel, self.reader.r_channel]
        channels += [self.writer.aw_channel, self.writer.w_channel, self.writer.b_channel]
        channels += [channel for bus in self.weights for channel in (bus.ar_channel, bus.r_channel)]
        for channel in channels:
            channel.set_pause_generator(pauses())

    async def run_frames(self, frames: int) -> None:
        """What a host does for one batch: arguments, start, wait for the end, status, acknowledgement."""
        host = self.host
        control = await host.read_dword(CONTROL)
        assert control & (START | DONE | IDLE) == IDLE, f"before the start, control is {control:#x}"
        await host.write_qword(INPUT, SOURCE)
        await host.write_qword(OUTPUT, SINK)
        await host.write_dword(FRAMES, frames)
        if self.loads:
            await host.write_qword(WEIGHTS, STORE)
        for n, region in enumerate(self.streams.values()):
            await host.write_qword(STREAMS + n * STREAM_STRIDE, region.base)
        await host.write_dword(CONTROL, START)
        quiet, progress = 0, 0
        while not await host.read_dword(CONTROL) & DONE:
            await ClockCycles(self.dut.ap_clk, POLL_CYCLES)
            now = len(self.accepted) + len(self.delivered)
            quiet = quiet + POLL_CYCLES if now == progress else 0
            progress = now
            assert quiet <= self.config.quiet_limit, (
                f"deadlock: {len(self.accepted)} of {frames * self.interface.input.beats} beats into the core, "
                f"{len(self.delivered)} of {frames * self.interface.output.beats} out"
            )
        status = await host.read_dword(STATUS)
        assert status == 0, f"status is {status:#x}"
        await host.write_dword(CONTROL, CONTINUE)
        await ClockCycles(self.dut.ap_clk, 4)
        control = await host.read_dword(CONTROL)
        assert control & (START | DONE | IDLE) == IDLE, f"after the end, control is {control:#x}"

    def check(self, frames: int) -> None:
        """The results in memory, all of them."""
        got = load_frames(self.results, self.interface.output, len(self.expected))[:frames]
        want: NDArray[np.integer] = self.expected.reshape(len(self.expected), -1)[:frames]
        wrong = np.argwhere(got != want)
        assert not len(wrong), (
            f"{len(wrong)} of {want.size} values in memory are wrong; first: frame {wrong[0][0]}, "
            f"element {wrong[0][1]}: got {got[tuple(wrong[0])]}, expected {want[tuple(wrong[0])]}"
        )

    def forget(self) -> None:
        """Erase the results and the watch's record."""
        self.results.data[:] = bytes([UNTOUCHED]) * len(self.results.data)
        self.accepted.clear()
        self.delivered.clear()

    async def _watch(self) -> None:
        core, edge, cycle = self.dut.core, RisingEdge(self.dut.ap_clk), 0
        while True:
            await edge
            if core.s_axis_tvalid.value == 1 and core.s_axis_tready.value == 1:
                self.accepted.append(cycle)
            if core.m_axis_tvalid.value == 1 and core.m_axis_tready.value == 1:
                self.delivered.append(cycle)
            cycle += 1


@bench_test
async def no_stalls(dut: Any) -> None:
    """An ideal memory: bit-exact, and the interval between frames at the core's output is told."""
    bench = Bench(dut)
    await bench.reset()
    frames = len(bench.inputs)
    await bench.run_frames(frames)
    results = load_frames(bench.results, bench.interface.output, frames)
    beats = bench.interface.output.beats
    Measured.of([results], bench.accepted[0], bench.delivered[beats - 1 :: beats], bench.interface.batch).save(Path())
    bench.check(frames)


@bench_test
async def stalls_everywhere(dut: Any) -> None:
    """All frames in one start, random pauses on every channel; then one frame, or batch, in a start of its own."""
    bench = Bench(dut)
    bench.stall(bench.config.stall)
    await bench.reset()
    frames = len(bench.inputs)
    await bench.run_frames(frames)
    bench.check(frames)
    bench.forget()
    await bench.run_frames(bench.interface.batch)
    bench.check(bench.interface.batch)
