"""What every layer of the hardware has in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from amaranth.lib import wiring

from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.timing import Link, Process

__all__ = ["LayerConfig", "Resources"]


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


class LayerConfig(ABC):
    """A frozen dataclass with everything that a layer's hardware depends on, and its static facts.

    Equal configurations are the same hardware, which is converted to Verilog once. The component has the streams
    `i` and `o`.
    """

    @property
    @abstractmethod
    def input(self) -> StreamFormat:
        """Format of the stream `i`."""

    @property
    @abstractmethod
    def output(self) -> StreamFormat:
        """Format of the stream `o`."""

    @property
    @abstractmethod
    def resources(self) -> Resources:
        """The estimated cost, without memories beside it."""

    @abstractmethod
    def processes(self, i: Link, o: Link) -> list[Process]:
        """The exact timing, as processes over the two links."""

    @abstractmethod
    def component(self) -> wiring.Component:
        """The hardware."""
