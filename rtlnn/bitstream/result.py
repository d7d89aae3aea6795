"""What place-and-route found: plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["BitstreamResult", "CriticalPath", "Usage"]


@dataclass(frozen=True)
class Usage:
    """Cells of a kind: in use, and on the chip."""

    used: int
    available: int

    @property
    def missing(self) -> int:
        """Cells that the chip lacks, 0 if there are enough."""
        return max(self.used - self.available, 0)


@dataclass(frozen=True)
class CriticalPath:
    """The longest path between registers.

    Parameters
    ----------
    begin, end : the cells, by the names that synthesis gave them
    nanoseconds, routing_nanoseconds : all of it, and the part of it that is wires
    through : nets on the way
    """

    begin: str
    end: str
    nanoseconds: float
    routing_nanoseconds: float
    through: tuple[str, ...]

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "CriticalPath | None":
        """From nextpnr's report: the longest one within a clock. None if there is none."""
        inner = [p["path"] for p in report["critical_paths"] if p["from"] == p["to"] and p["path"]]
        if not inner:
            return None
        path = max(inner, key=_total)
        nets: dict[str, None] = {}
        for piece in path:
            # carries are many, and say nothing
            if piece["type"] == "routing" and piece["delay"] > 0:
                nets[piece["net"]] = None
        wires = sum(piece["delay"] for piece in path if piece["type"] == "routing")
        return cls(path[0]["from"]["cell"], path[-1]["to"]["cell"], _total(path), wires, tuple(nets))

    def __str__(self) -> str:
        return (
            f"{self.nanoseconds:.2f} ns, of which {self.routing_nanoseconds:.2f} are wires, from {self.begin} to "
            f"{self.end} through {', '.join(self.through)}"
        )


def _total(path: list[Mapping[str, Any]]) -> float:
    return sum(float(piece["delay"]) for piece in path)


@dataclass(frozen=True)
class BitstreamResult:
    """A bitstream, and what is in it.

    Parameters
    ----------
    file : its path in the build folder; None if the clock was not reached
    wanted_mhz, achieved_mhz : the core's clock, as nextpnr's timing analysis has it (slow corner)
    seed : of the placement
    cells : by kind: LUT, FF, multiplier, RAM (some tools do not tell of flip-flops apart from LUTs)
    critical_path : None if there is no register
    """

    file: str | None
    wanted_mhz: float
    achieved_mhz: float
    seed: int
    cells: Mapping[str, Usage]
    critical_path: CriticalPath | None

    @property
    def met(self) -> bool:
        """Whether the clock was reached."""
        return self.achieved_mhz >= self.wanted_mhz

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"
