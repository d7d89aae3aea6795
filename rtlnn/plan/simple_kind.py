"""What the plan must know of a kind of layer that has no folding but for its lanes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import StreamingLayer
from rtlnn.plan.tasks import Task

__all__ = ["Built", "SimpleKind", "useful_lanes"]


def _nothing() -> dict[str, Sequence[int]]:
    return {}


@dataclass(frozen=True, eq=False)
class Built:
    """A layer, and what makes the words of its memories, by name (see `StreamingLayer.memories`)."""

    layer: StreamingLayer
    contents: Callable[[], Mapping[str, Sequence[int]]] = _nothing


class SimpleKind(Protocol):
    """How tasks of one kind become layers; one line of `rtlnn.plan.simple.KINDS` makes it known."""

    def lanes(self, task: Task) -> Sequence[int]:
        """All numbers of lanes with which it can be built, the fewest first; no two take the same cycles."""

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        """The layer with so many lanes, one of `lanes(task)`."""


def useful_lanes(channels: int) -> list[int]:
    """Numbers of lanes that differ in the beats of a pixel: the smallest of each."""
    return sorted({-(-channels // n) for n in range(1, channels + 1)})
