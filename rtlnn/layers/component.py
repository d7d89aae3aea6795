"""What every layer of the hardware has in common."""

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass

from amaranth.lib import wiring

from rtlnn.layers.timing import Link, Process

__all__ = ["Layer", "Resources"]


@dataclass(frozen=True)
class Resources:
    """Estimated cells; `bram36` counts half blocks as 0.5."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram36: float = 0.0
    uram: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram36 + other.bram36,
            self.uram + other.uram,
        )


class Layer(wiring.Component):
    """A component with one input stream `i` and one output stream `o`, which knows its timing and its cost.

    Two layers with the same `key` are the same hardware, and are converted to Verilog once.
    """

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """All that the generated hardware depends on."""

    @abstractmethod
    def processes(self, i: Link, o: Link) -> list[Process]:
        """The exact timing, as processes over the two links."""

    @abstractmethod
    def resources(self) -> Resources:
        """The estimated cost."""
