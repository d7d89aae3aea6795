"""What the simulation of layers found, as data."""

import json
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["LayerResult", "LayersResult"]


@dataclass(frozen=True)
class LayerResult:
    """One layer.

    Parameters
    ----------
    name, op : the model's name for it, and its operators
    module : its name in the build's Verilog
    frames : as many went through, in each run
    mismatches : wrong output values in all runs together
    failures : all that is wrong, in words: values, cycles, stream contract, deadlocks
    interval, planned : cycles from one frame's last beat to the next one's, or a single frame's from its first input
        beat; simulated without stalls (None if the run broke off), and by the schedule
    cycles, seconds : length of all runs, in clock cycles and in wall-clock time
    build_seconds : to convert and to compile, 0 where another layer of the same configuration did it
    """

    name: str
    op: str
    module: str
    frames: int
    mismatches: int
    failures: tuple[str, ...]
    interval: int | None
    planned: int | None
    cycles: int
    seconds: float
    build_seconds: float

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True)
class LayersResult:
    """All layers that were simulated, in the network's order.

    Parameters
    ----------
    modules : configurations that differ: as many were compiled
    workers : processes that shared the work
    simulator : program and version
    inputs, seed : where the network's input frames came from
    seconds : for everything
    """

    layers: tuple[LayerResult, ...]
    modules: int
    workers: int
    simulator: str
    inputs: str
    seed: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every layer gives the reference's bits in the schedule's cycles."""
        return all(layer.passed for layer in self.layers)

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "cycles": self.cycles, "passed": self.passed}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"
