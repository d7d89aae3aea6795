"""The core-level cocotb test bench: runs inside the simulator, on the top module of a build, with files as of
`bench_config`. Every output bit is compared, and the AXI4-Stream contract is checked in every cycle.

Coroutines of its own drive the streams: one loop a cycle is three times as fast as general bus models.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from numpy.typing import NDArray

from rtlnn.emit.interface import StreamPort
from rtlnn.emit.weights import load_stream, load_weights
from rtlnn.sim.bench_config import CLOCK_NS, BenchConfig, Measured, bench_test
from rtlnn.sim.core_streams import Bus, Sink, Source
from rtlnn.sim.packing import beat_words, pack, port_format, unpack

RESET_CYCLES = 8
DRAIN_CYCLES = 32


class Bench:
    """A core, its clock, and the beats to send and to expect."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.config, self.interface, inputs, expected = BenchConfig.load(Path())
        self.random = random.Random(self.config.seed)
        self.inputs = self._ends(self.interface.inputs, inputs)
        self.outputs = self._ends(self.interface.outputs, expected)
        self.weights = [
            (
                Bus(dut, bus),
                port,
                [int.from_bytes(b.tobytes(), "little") for b in load_stream(Path(port.file), port.beats)],
            )
            for bus, port in self.interface.weights.items()
        ]
        cocotb.start_soon(Clock(dut.aclk, CLOCK_NS, unit="ns").start())

    def _ends(
        self, ports: Mapping[str, StreamPort], frames: Sequence[NDArray[np.integer]]
    ) -> list[tuple[Bus, StreamPort, list[int]]]:
        """Signals, format and beats of each stream."""
        pairs = zip(ports.items(), frames, strict=True)
        return [(Bus(self.dut, name), port, _beats(port, data)) for (name, port), data in pairs]

    async def reset(self) -> None:
        """Reset, with `tvalid` low on both sides at its end."""
        dut = self.dut
        dut.aresetn.value = 0
        buses = [bus for bus, _, _ in self.inputs] + [bus for bus, _, _ in self.weights]
        if self.interface.weight_beats is not None:
            buses.append(Bus(dut, "s_axis_weights"))
        for bus in buses:
            bus.tvalid.value = 0
            bus.tlast.value = 0
            bus.tdata.value = 0
        for bus, _, _ in self.outputs:
            bus.tready.value = 0
        await ClockCycles(dut.aclk, RESET_CYCLES)
        for bus, _, _ in self.outputs:
            assert bus.tvalid.value == 0, f"{bus.name}_tvalid is high during reset"
        dut.aresetn.value = 1

    async def load(self) -> None:
        """Send the weights, if there is a port for them; frames wait until they have come."""
        if self.interface.weight_beats is None:
            return
        dut = self.dut
        words = load_weights(Path())
        dut.s_axis_weights_tvalid.value = 1
        for n, word in enumerate(words):
            dut.s_axis_weights_tdata.value = int(word)
            dut.s_axis_weights_tlast.value = n + 1 == len(words)
            for _ in range(self.config.quiet_limit):
                await RisingEdge(dut.aclk)
                if dut.s_axis_weights_tready.value == 1:
                    break
            else:
                raise AssertionError(f"word {n} of the weights is not taken")
        dut.s_axis_weights_tvalid.value = 0

    async def stream(
        self, source_stall: float, sink_stall: float, stop_after: int | None = None
    ) -> tuple[list[Source], list[Sink]]:
        """Send all frames and check the contract of all that comes out; leave it `stop_after` so many cycles."""
        draw, edge = self.random.random, RisingEdge(self.dut.aclk)
        sources = [Source(bus, beats, port.beats) for bus, port, beats in self.inputs]
        frames = len(self.outputs[0][2]) // self.outputs[0][1].beats
        for bus, port, beats in self.weights:
            sources.append(Source(bus, beats * -(-frames // port.batch), port.beats))
        sinks = [Sink(bus, beats, port.beats) for bus, port, beats in self.outputs]
        cycle = quiet = drained = 0
        while drained < DRAIN_CYCLES and cycle != stop_after:
            done = all(source.done for source in sources) and all(sink.done for sink in sinks)
            drained += done
            for source in sources:
                source.offer(lambda: draw() < source_stall)
            for sink in sinks:
                sink.answer(lambda: draw() < sink_stall)
            await edge  # signals read now are those just before it
            moved = [*(source.take(cycle) for source in sources), *(sink.take(cycle) for sink in sinks)]
            quiet = 0 if any(moved) else quiet + 1
            cycle += 1
            assert done or quiet <= self.config.quiet_limit, (
                f"deadlock in cycle {cycle}: "
                + ", ".join(f"{len(source.taken)} of {len(source.beats)} beats in" for source in sources)
                + ", "
                + ", ".join(f"{len(sink.taken)} of {len(sink.expected)} out" for sink in sinks)
            )
        for source in sources:
            source.bus.tvalid.value = 0
        return sources, sinks

    async def check(self, source_stall: float, sink_stall: float, stop_after: int | None = None) -> None:
        """The same, and all values."""
        _, sinks = await self.stream(source_stall, sink_stall, stop_after)
        self.check_values(sinks)

    def check_values(self, sinks: Sequence[Sink]) -> None:
        for sink in sinks:
            sink.check_values()
        assert self.dut.frame_error.value == 0, "frame_error is high"


def _values(port: StreamPort, beats: Sequence[int]) -> NDArray[np.int64]:
    fmt = port_format(port)
    words = b"".join(beat.to_bytes(4 * beat_words(fmt), "little") for beat in beats)
    return unpack(fmt, np.frombuffer(words, "<u4").reshape(len(beats), -1))


def _beats(port: StreamPort, frames: NDArray[np.integer]) -> list[int]:
    words = pack(port_format(port), frames)
    return [int.from_bytes(beat.tobytes(), "little") for beat in words]


@bench_test
async def always_ready(dut: Any) -> None:
    """No stalls: bit-exact, and the measured latency and intervals are told."""
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    sources, sinks = await bench.stream(0, 0)
    outputs = [_values(port, sink.came) for (_, port, _), sink in zip(bench.outputs, sinks, strict=True)]
    frames = zip(*(sink.taken[sink.frame_beats - 1 :: sink.frame_beats] for sink in sinks), strict=True)
    begin = min(source.taken[0] for source in sources[: len(bench.inputs)])
    Measured.of(outputs, begin, [max(ends) for ends in frames], bench.interface.batch).save(Path())
    bench.check_values(sinks)


@bench_test
async def random_stalls(dut: Any) -> None:
    """Stalls on both sides, then on each alone."""
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    stall = bench.config.stall
    for source, sink in ((stall, stall), (2 * stall, 0), (0, 2 * stall)):
        await bench.check(source, sink)


@bench_test
async def reset_in_mid_frame(dut: Any) -> None:
    """Reset while beats are under way on both sides; the frames after it are clean."""
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    span = bench.interface.latency_cycles + bench.interface.interval_cycles
    for _ in range(2):
        stop_after = bench.random.randrange(2, span + 2)
        await bench.check(bench.config.stall, bench.config.stall, stop_after)
        await bench.reset()
    await bench.check(0, 0)
