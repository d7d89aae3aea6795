"""The core-level cocotb test bench: runs inside the simulator, on the top module of a build, with files as of
`bench_config`. Every output bit is compared, and the AXI4-Stream contract is checked in every cycle.

Coroutines of its own drive the streams: one loop a cycle is three times as fast as general bus models.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from numpy.typing import NDArray

from rtlnn.emit.interface import StreamPort
from rtlnn.emit.weights import load_weights
from rtlnn.sim.bench_config import CLOCK_NS, BenchConfig, Measured, bench_test
from rtlnn.sim.packing import beat_words, pack, port_format, unpack

RESET_CYCLES = 8
DRAIN_CYCLES = 32


@dataclass(frozen=True)
class Handshakes:
    """Cycle of each beat's handover, and what came out."""

    input: Sequence[int]
    output: Sequence[int]
    beats: Sequence[int]


class Bench:
    """A core, its clock, and the beats to send and to expect."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.config, self.interface, inputs, expected = BenchConfig.load(Path())
        self.random = random.Random(self.config.seed)
        self.sent = _beats(self.interface.input, inputs)
        self.expected = _beats(self.interface.output, expected)
        cocotb.start_soon(Clock(dut.aclk, CLOCK_NS, unit="ns").start())

    async def reset(self) -> None:
        """Reset, with `tvalid` low on both sides at its end."""
        dut = self.dut
        dut.aresetn.value = 0
        dut.s_axis_tvalid.value = 0
        dut.s_axis_tlast.value = 0
        dut.s_axis_tdata.value = 0
        dut.m_axis_tready.value = 0
        if self.interface.weight_beats is not None:
            dut.s_axis_weights_tvalid.value = 0
            dut.s_axis_weights_tlast.value = 0
            dut.s_axis_weights_tdata.value = 0
        await ClockCycles(dut.aclk, RESET_CYCLES)
        assert dut.m_axis_tvalid.value == 0, "m_axis_tvalid is high during reset"
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

    async def stream(self, source_stall: float, sink_stall: float, stop_after: int | None = None) -> Handshakes:
        """Send all frames and check the contract of all that comes out; leave it `stop_after` so many cycles."""
        dut, draw, edge = self.dut, self.random.random, RisingEdge(self.dut.aclk)
        in_beats = self.interface.input.beats
        taken: list[int] = []
        given: list[int] = []
        came: list[int] = []
        offering, was_ready = False, -1
        held: tuple[int, int] | None = None
        cycle = quiet = drained = 0
        while drained < DRAIN_CYCLES and cycle != stop_after:
            done = len(taken) == len(self.sent) and len(given) == len(self.expected)
            drained += done
            if not offering and len(taken) < len(self.sent) and draw() >= source_stall:
                offering = True
                dut.s_axis_tdata.value = self.sent[len(taken)]
                dut.s_axis_tlast.value = (len(taken) + 1) % in_beats == 0
                dut.s_axis_tvalid.value = 1
            ready = int(draw() >= sink_stall)
            if ready != was_ready:
                dut.m_axis_tready.value = was_ready = ready
            await edge  # signals read now are those just before it
            quiet += 1
            if offering and dut.s_axis_tready.value == 1:
                taken.append(cycle)
                offering, quiet = False, 0
                # lowered before the next edge, unless the next beat follows at once
                dut.s_axis_tvalid.value = 0
            if dut.m_axis_tvalid.value == 1:
                beat = int(dut.m_axis_tdata.value), int(dut.m_axis_tlast.value)
                assert held in (None, beat), f"cycle {cycle}: a held beat changed"
                held = beat
                if ready:
                    self._check_place(len(given), beat[1])
                    given.append(cycle)
                    came.append(beat[0])
                    held, quiet = None, 0
            else:
                assert held is None, f"cycle {cycle}: m_axis_tvalid dropped without a handshake"
            cycle += 1
            assert done or quiet <= self.config.quiet_limit, (
                f"deadlock in cycle {cycle}: {len(taken)} of {len(self.sent)} beats in, "
                f"{len(given)} of {len(self.expected)} out"
            )
        dut.s_axis_tvalid.value = 0
        return Handshakes(taken, given, came)

    def _check_place(self, index: int, last: int) -> None:
        assert index < len(self.expected), "an output beat in excess"
        frame, place = divmod(index, self.interface.output.beats)
        assert last == (place + 1 == self.interface.output.beats), f"frame {frame}, beat {place}: tlast is {last}"

    def check_values(self, shaken: Handshakes) -> None:
        """Every bit of what came out is as expected."""
        for index, (got, want) in enumerate(zip(shaken.beats, self.expected, strict=False)):
            if got != want:
                frame, place = divmod(index, self.interface.output.beats)
                raise AssertionError(f"frame {frame}, beat {place}: got {got:#x}, expected {want:#x}")
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
    shaken = await bench.stream(0, 0)
    port = bench.interface.output
    Measured.of(_values(port, shaken.beats), shaken.input, shaken.output, port.beats).save(Path())
    bench.check_values(shaken)


@bench_test
async def random_stalls(dut: Any) -> None:
    """Stalls on both sides, then on each alone."""
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    stall = bench.config.stall
    for source, sink in ((stall, stall), (2 * stall, 0), (0, 2 * stall)):
        bench.check_values(await bench.stream(source, sink))


@bench_test
async def reset_in_mid_frame(dut: Any) -> None:
    """Reset while beats are under way on both sides; the frames after it are clean."""
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    span = bench.interface.latency_cycles + bench.interface.interval_cycles
    for _ in range(2):
        stop_after = bench.random.randrange(2, span + 2)
        bench.check_values(await bench.stream(bench.config.stall, bench.config.stall, stop_after))
        await bench.reset()
    bench.check_values(await bench.stream(0, 0))
