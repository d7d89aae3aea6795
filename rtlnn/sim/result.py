"""What a simulation found, as data."""

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Level", "Mismatch", "SimulationResult", "compare"]


class Level(Enum):
    """What is simulated: the core with its streams, or the platform's kernel with bus masters and memory."""

    CORE = "core"
    KERNEL = "kernel"


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
    mismatches, first_mismatch : wrong values of the long runs, and the first of them
    failures : everything else that is wrong, in words: stream contract, deadlocks, missed schedule, failed benches
    frames : frames compared in the longest run
    latency_cycles, interval_cycles : measured without stalls; None if the run broke off, or for a kernel's latency
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
