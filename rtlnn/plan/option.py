"""One way to build a layer: what the search chooses among."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

from rtlnn.layers.component import Resources, StreamingLayer
from rtlnn.layers.rom import port_resources
from rtlnn.layers.stream import StreamFormat
from rtlnn.plan.amounts import Vector, vector
from rtlnn.plan.pace import Pace
from rtlnn.plan.tasks import Task

__all__ = ["Option"]


class Option(ABC):
    """A task with all that its hardware depends on."""

    task: Task

    @property
    @abstractmethod
    def layer(self) -> StreamingLayer:
        """The hardware."""

    @abstractmethod
    def contents(self) -> Mapping[str, Sequence[int]]:
        """Words of the layer's memories, by name."""

    @property
    def cycles(self) -> int:
        """Cycles a frame that the layer is busy: no interval can be shorter."""
        return self.layer.cycles

    def pace(self, interval: int, cycles: float) -> Pace:
        """If it took so many cycles, and a frame came evenly within `interval`."""
        return Pace(0.0, 0.0, cycles, 0.0)

    @cached_property
    def inputs(self) -> tuple[StreamFormat, ...]:
        """Formats of the streams of frames that come in."""
        return self.layer.frame_inputs

    @cached_property
    def outputs(self) -> tuple[StreamFormat, ...]:
        """Formats of the streams that go out."""
        return self.layer.outputs

    @property
    def passes(self) -> int:
        """How often all inputs are read for an output."""
        return 1

    @property
    @abstractmethod
    def multipliers(self) -> tuple[int, int]:
        """Elements at once, of the output and of the input, for reports."""

    @property
    def weight_bits(self) -> int | None:
        """Bits of a weight; None where there are none."""
        return None

    @cached_property
    def resources(self) -> Resources:
        """The cost of the layer and its memories."""
        total = self.layer.resources
        for port in self.layer.memories:
            total = total + port_resources(port)
        return total

    @cached_property
    def vector(self) -> Vector:
        """The same in whole numbers."""
        return vector(self.resources)

    @cached_property
    def loads(self) -> bool:
        """Whether a memory of it is filled through the design's port for weights."""
        return any(port.loaded for port in self.layer.memories)

    def exactly(self) -> "Option":
        """The same, with exact bounds where quick ones were used."""
        return self

    def serially(self) -> "Option | None":
        """The same, smaller and slower inside where there is time for that; None where there is not."""
        return None

    def dually(self) -> "Option | None":
        """The same with slices in place of adders; None where that cannot be."""
        return None

    def elsewhere(self) -> "Sequence[Option]":
        """The same with its weights in other kinds of memories."""
        return ()

    def sooner(self) -> "Sequence[Option]":
        """The same with less latency, but no fewer cycles."""
        return ()
