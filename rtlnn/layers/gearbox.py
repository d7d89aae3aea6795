"""Stream width converter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.narrower import Narrower, NarrowerShape
from rtlnn.layers.regrouper import Regrouper
from rtlnn.layers.regrouping import Regrouping
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.tiling import parts_of
from rtlnn.layers.timing import Events, Link
from rtlnn.layers.widener import Widener, WidenerShape

__all__ = ["GearboxConfig"]


@dataclass(frozen=True)
class GearboxConfig(LayerConfig):
    """Regroups the elements of a stream: other elements a beat, other pixels a frame; the same elements in order.

    Both formats have the same element type and the same number of elements a frame.
    """

    source: StreamFormat
    target: StreamFormat

    @property
    def input(self) -> StreamFormat:
        return self.source

    @property
    def output(self) -> StreamFormat:
        return self.target

    def __post_init__(self) -> None:
        if (self.input.bits, self.input.signed) != (self.output.bits, self.output.signed):
            raise ValueError(f"a gearbox keeps the elements' type: {self.input} against {self.output}")
        if self.input.channels * self.input.pixels != self.output.channels * self.output.pixels:
            raise ValueError(f"a gearbox keeps the elements of a frame: {self.input} against {self.output}")

    @property
    def shape(self) -> WidenerShape | NarrowerShape | Regrouping:
        """The way to do it: simpler where the beats of one side are made of whole beats of the other."""
        return _shape(self.source, self.target)

    def component(self) -> Widener | Narrower | Regrouper:
        match self.shape:
            case WidenerShape() as shape:
                return Widener(shape)
            case NarrowerShape() as shape:
                return Narrower(shape)
            case Regrouping() as shape:
                return Regrouper(shape)

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        self.shape.waits(i, o)
        return ()

    @property
    def resources(self) -> Resources:
        return self.shape.resources


@lru_cache(maxsize=4096)
def _shape(source: StreamFormat, target: StreamFormat) -> WidenerShape | NarrowerShape | Regrouping:
    if (pattern := parts_of(target, source)) is not None:
        return WidenerShape(source, target, pattern)
    if (pattern := parts_of(source, target)) is not None:
        return NarrowerShape(source, target, pattern)
    return Regrouping(source, target)
