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

CLOCK_NS = 20
"""A reset of 8 cycles is longer than the 100 ns for which the vendor's models hold their registers at the start."""

MEASURED = "measured.npz"
OUTPUTS = "outputs.npz"

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
        self,
        folder: Path,
        interface: Interface,
        inputs: Sequence[NDArray[np.integer]],
        expected: Sequence[NDArray[np.integer]],
    ) -> None:
        """Write the bench's files; frames are [N, H, W, C], of each input and output."""
        (folder / "bench.json").write_text(json.dumps(asdict(self)))
        (folder / "interface.json").write_text(interface.to_json())
        np.savez(folder / "inputs.npz", *inputs)
        np.savez(folder / "expected.npz", *expected)

    @classmethod
    def load(cls, folder: Path) -> tuple["BenchConfig", Interface, list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """(config, interface, inputs, expected)"""
        config = cls(**json.loads((folder / "bench.json").read_text()))
        return config, Interface.load(folder), _arrays(folder / "inputs.npz"), _arrays(folder / "expected.npz")


@dataclass(frozen=True, eq=False)
class Measured:
    """A run without stalls: values [N, ...] of each output, latency of the first frame, intervals after three.

    Of batches of frames that leave together, an interval is the mean of a batch, rounded up.
    """

    outputs: Sequence[NDArray[np.int64]]
    latency: int
    intervals: tuple[int, ...]

    @classmethod
    def of(cls, outputs: Sequence[NDArray[np.int64]], begin: int, ends: Sequence[int], batch: int = 1) -> "Measured":
        """From the cycles of the first input handshake, and of the last output handshake of each frame."""
        intervals = tuple(-((end - later) // batch) for end, later in pairwise(ends[2 * batch :: batch]))
        return cls(outputs, ends[0] - begin, intervals)

    def save(self, folder: Path) -> None:
        np.savez(folder / OUTPUTS, *self.outputs)
        np.savez(folder / MEASURED, latency=self.latency, intervals=self.intervals)

    @classmethod
    def load(cls, folder: Path) -> "Measured | None":
        """None if the bench broke off before."""
        if not (folder / MEASURED).exists():
            return None
        with np.load(folder / MEASURED) as data:
            return cls(_arrays(folder / OUTPUTS), int(data["latency"]), tuple(int(n) for n in data["intervals"]))


def bench_test(function: F) -> F:
    """`cocotb.test`, with a type."""
    return cast(F, cocotb.test()(function))


def _arrays(file: Path) -> list[NDArray[np.int64]]:
    """The arrays of a file that `np.savez` wrote, in order."""
    with np.load(file) as data:
        return [data[f"arr_{n}"] for n in range(len(data.files))]
