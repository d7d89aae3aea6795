"""What a cocotb test bench is told, and what it tells back: files in the folder where the simulator runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast

import cocotb
import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import Interface

__all__ = ["CLOCK_NS", "BenchConfig", "Measured", "bench_test"]

CLOCK_NS = 2  # any: simulated time has no meaning here

MEASURED = "measured.npz"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class BenchConfig:
    """Parameters of a run.

    Parameters
    ----------
    seed : of all random numbers
    stall : share of cycles in which a source or a sink pauses, in the tests with stalls
    quiet_limit : cycles without progress that make a deadlock
    """

    seed: int
    stall: float
    quiet_limit: int

    def save(
        self, folder: Path, interface: Interface, inputs: NDArray[np.integer], expected: NDArray[np.integer]
    ) -> None:
        """Write the bench's files; frames are [N, H, W, C]."""
        (folder / "bench.json").write_text(json.dumps(asdict(self)))
        (folder / "interface.json").write_text(interface.to_json())
        np.save(folder / "inputs.npy", inputs)
        np.save(folder / "expected.npy", expected)

    @classmethod
    def load(cls, folder: Path) -> tuple["BenchConfig", Interface, NDArray[np.integer], NDArray[np.integer]]:
        """(config, interface, inputs, expected)"""
        config = cls(**json.loads((folder / "bench.json").read_text()))
        return config, Interface.load(folder), np.load(folder / "inputs.npy"), np.load(folder / "expected.npy")


@dataclass(frozen=True, eq=False)
class Measured:
    """A run without stalls: the output values [N, ...], latency of the first frame, intervals after three frames."""

    outputs: NDArray[np.int64]
    latency: int
    intervals: tuple[int, ...]

    @classmethod
    def of(cls, outputs: NDArray[np.int64], taken: Sequence[int], given: Sequence[int], frame_beats: int) -> "Measured":
        """From the cycles in which input beats were taken, and output beats given, `frame_beats` a frame."""
        ends = given[frame_beats - 1 :: frame_beats]
        intervals = tuple(later - end for end, later in pairwise(ends))
        return cls(outputs, ends[0] - taken[0], intervals[2:])

    def save(self, folder: Path) -> None:
        np.savez(folder / MEASURED, outputs=self.outputs, latency=self.latency, intervals=self.intervals)

    @classmethod
    def load(cls, folder: Path) -> "Measured | None":
        """None if the bench broke off before."""
        if not (folder / MEASURED).exists():
            return None
        with np.load(folder / MEASURED) as data:
            return cls(data["outputs"], int(data["latency"]), tuple(int(n) for n in data["intervals"]))


def bench_test(function: F) -> F:
    """`cocotb.test`, with a type."""
    return cast(F, cocotb.test()(function))
