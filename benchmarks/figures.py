"""What is measured of a design, in which direction it gets better, and what others say of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["Better", "Figure", "Figures", "Limit", "Peer"]


class Better(Enum):
    """Which numbers are the better ones."""

    LESS = "less"
    MORE = "more"


class Figure(Enum):
    """A number that a design always gets: the same for the same sources."""

    INTERVAL = "interval"
    """Cycles between successive frames, simulated."""
    LATENCY = "latency"
    """Cycles from the first input handshake to the last output handshake of a frame, simulated."""
    DSP = "dsp"
    LUT = "lut"
    """All LUTs, those that are memories and shift registers included."""
    FF = "ff"
    BRAM36 = "bram36"
    """Block RAMs of 36 Kbit; one of 18 Kbit is half of it."""
    URAM = "uram"
    DEPTH = "depth"
    """The most LUTs in a row between registers, memories and multipliers; 8 carry elements count as one."""
    EFFICIENCY = "efficiency"
    """Multiplications / (interval × 2 × DSPs): 1 if every DSP does two of them in every cycle.

    All output pixels count, as in the papers, whether a pool reads them (and the hardware computes them) or not.
    """
    ACCURACY = "accuracy"
    """Part of the test images that the simulated hardware gets right."""

    @property
    def better(self) -> Better:
        return Better.MORE if self in (Figure.EFFICIENCY, Figure.ACCURACY) else Better.LESS

    @property
    def title(self) -> str:
        """For tables."""
        return _TITLES.get(self, self.value)

    def worse(self, new: float, old: float) -> bool:
        """Whether `new` is worse than `old`."""
        return new < old if self.better is Better.MORE else new > old

    def show(self, value: float) -> str:
        """The number as tables show it."""
        if self is Figure.ACCURACY:
            return f"{100 * value:.2f} %"
        return f"{value:.3f}" if self is Figure.EFFICIENCY else f"{value:,g}" if value < 1e5 else f"{value:,.0f}"


_TITLES = {
    Figure.DSP: "DSP",
    Figure.LUT: "LUT",
    Figure.FF: "FF",
    Figure.BRAM36: "BRAM36",
    Figure.URAM: "URAM",
    Figure.DEPTH: "logic depth",
}

Figures = Mapping[Figure, float]


@dataclass(frozen=True)
class Limit:
    """What a design is to reach: at most `value`, or at least for a figure of which more is better."""

    figure: Figure
    value: float

    def met(self, figures: Figures) -> bool:
        return self.figure in figures and not self.figure.worse(figures[self.figure], self.value)

    def __str__(self) -> str:
        return f"{self.figure.title} {'≥' if self.figure.better is Better.MORE else '≤'} {self.figure.show(self.value)}"


@dataclass(frozen=True)
class Peer:
    """Another design for the same network.

    Parameters
    ----------
    name : short, for charts
    source : who measured it: authors, year, device
    clock_mhz : where it is known
    note : what the numbers do not say
    """

    name: str
    source: str
    figures: Figures
    clock_mhz: float | None = None
    note: str = ""
