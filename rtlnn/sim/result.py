"""What a simulation found, as data."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import Interface

__all__ = ["Findings", "Level", "Mismatch", "Progress", "SimulationResult", "compare"]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the step that runs, how much of it is done, and how much it is in all."""


class Level(Enum):
    """What is simulated.

    The core with its streams, the platform's kernel with bus masters and memory, or a board's chip behind its serial
    line, as Verilog or as the netlist of its bitstream.
    """

    CORE = "core"
    KERNEL = "kernel"
    BOARD = "board"
    NETLIST = "netlist"


@dataclass(frozen=True)
class Mismatch:
    """The first wrong value: frame, (row, column, channel) in it, what the hardware gave and what it should be."""

    frame: int
    index: tuple[int, ...]
    got: int
    expected: int

    def __str__(self) -> str:
        return f"frame {self.frame}, (row, column, channel) {self.index}: got {self.got}, expected {self.expected}"


@dataclass(frozen=True)
class SimulationResult:
    """Outcome of `simulate`.

    Parameters
    ----------
    bit_exact : every output value of every run equals the reference, and no run broke off
    mismatches, first_mismatch : wrong values in all runs together, and the first of them
    failures : everything else that is wrong, in words: stream contract, deadlocks, missed schedule, failed benches
    frames : frames compared in the longest run
    latency_cycles, interval_cycles : measured without stalls, None if the run broke off; in a
        kernel, the core's latency may be longer, as its memory feeds it, and is not compared with the plan; of a
        board neither is measured
    planned_latency_cycles, planned_interval_cycles : what the plan says; for a kernel, its memory buses count too
    simulator : program and version
    cycles, cycles_per_second : of all runs of the compiled harness, or of the cocotb benches if it did not run
    seed : of inputs and stalls
    inputs : where the input frames came from
    benches : cocotb tests that ran
    build_seconds, seconds : time to build the simulators (near 0 from the cache), and for everything
    waves : file with the recorded signals, relative to the build folder
    """

    level: Level
    bit_exact: bool
    mismatches: int
    first_mismatch: Mismatch | None
    failures: tuple[str, ...]
    frames: int
    latency_cycles: int | None
    interval_cycles: int | None
    planned_latency_cycles: int
    planned_interval_cycles: int
    simulator: str
    cycles: int
    cycles_per_second: float
    seed: int
    inputs: str
    benches: tuple[str, ...]
    build_seconds: float
    seconds: float
    waves: str | None

    @property
    def passed(self) -> bool:
        """Whether everything held: bits, schedule, stream contract."""
        return self.bit_exact and not self.failures

    def to_dict(self) -> dict[str, Any]:
        data = asdict(self)
        return {**data, "level": self.level.value, "passed": self.passed}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"


def compare(outputs: NDArray[np.integer], expected: NDArray[np.integer]) -> tuple[int, Mismatch | None]:
    """(number of wrong values, the first one) of frames [N, H, W, C]; both arrays have the same shape."""
    wrong = np.argwhere(outputs != expected)
    if not len(wrong):
        return 0, None
    frame, *index = (int(i) for i in wrong[0])
    at = (frame, *index)
    return len(wrong), Mismatch(frame, tuple(index), int(outputs[at]), int(expected[at]))


@dataclass
class Findings:
    """Collects what the runs of a simulation find."""

    mismatches: int = 0
    first_mismatch: Mismatch | None = None
    broken: bool = False
    failures: list[str] = field(default_factory=list)
    benches: list[str] = field(default_factory=list)
    latency: int | None = None
    interval: int | None = None
    cycles: int = 0
    running_seconds: float = 0.0
    build_seconds: float = 0.0
    waves: str | None = None

    def values(
        self,
        run: str,
        interface: Interface,
        outputs: Sequence[NDArray[np.integer]],
        expected: Sequence[NDArray[np.integer]],
    ) -> None:
        """Compare the output frames of a run with those expected, [N, H, W, C] of each output."""
        for bus, got, want in zip(interface.outputs, outputs, expected, strict=True):
            count, first = compare(got.reshape(want.shape), want)
            self.mismatches += count
            if first:
                self.first_mismatch = self.first_mismatch or first
                where = run if len(expected) == 1 else f"{run}, {bus}"
                self.failures.append(f"{where}: {count} of {want.size} values are wrong; first: {first}")

    def fail(self, run: str, problem: str) -> None:
        self.failures.append(f"{run}: {problem}")

    def break_off(self, run: str, problem: str) -> None:
        """A run ended early: its bits are unknown, so the result cannot be called bit-exact."""
        self.broken = True
        self.fail(run, problem)

    def outcomes(self, outcomes: dict[str, str | None]) -> None:
        """The results of cocotb tests."""
        for name, problem in outcomes.items():
            self.benches.append(name)
            if problem is not None:
                self.break_off(f"bench {name}", problem)

    def steady(self, run: str, intervals: Sequence[int], planned: int, exact: bool = True) -> None:
        """Compare the intervals after three frames with the plan's; not `exact`: they may be shorter."""
        wrong = [interval for interval in intervals if interval > planned or (exact and interval < planned)]
        self.interval = wrong[0] if wrong else max(intervals, default=None)
        if wrong:
            self.fail(run, f"the interval is {wrong[0]} cycles, planned {planned} ({len(wrong)} of {len(intervals)})")

    def first_frame(self, run: str, latency: int, planned: int, exact: bool = True) -> None:
        """Compare the latency with the plan's; not `exact`: it may be shorter."""
        self.latency = latency
        if latency > planned or (exact and latency < planned):
            self.fail(run, f"the latency is {latency} cycles, planned {planned}")
