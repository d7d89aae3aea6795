"""Layers without a folding but for their lanes: joins of two values, rearrangements, tables."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from rtlnn.errors import InputError
from rtlnn.ir.op import Op
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import StreamingLayer
from rtlnn.ops import Add, ArgMax, Concat, Extreme, FixedSoftmax, Multiply, Rearrange, Table
from rtlnn.plan.concats import ConcatKind
from rtlnn.plan.joins import JoinKind
from rtlnn.plan.lookups import ArgMaxKind, RearrangeKind, SoftmaxKind, TableKind
from rtlnn.plan.option import Option
from rtlnn.plan.simple_kind import Built, SimpleKind
from rtlnn.plan.tasks import Task

__all__ = ["KINDS", "SimpleOption", "options_of"]

KINDS: dict[type[Op], SimpleKind] = {
    Add: JoinKind(),
    Multiply: JoinKind(),
    Extreme: JoinKind(),
    Concat: ConcatKind(),
    ArgMax: ArgMaxKind(),
    FixedSoftmax: SoftmaxKind(),
    Rearrange: RearrangeKind(),
    Table: TableKind(),
}


class SimpleOption(Option):
    """A task of a simple kind with a number of lanes.

    Raises `ValueError` for a number with which it cannot be built.
    """

    def __init__(self, task: Task, lanes: int, arithmetic: Arithmetic = Arithmetic.GENERIC) -> None:
        self.task, self.lanes, self._arithmetic = task, lanes, arithmetic
        possible = _kind(task).lanes(task)
        if lanes not in possible:
            raise ValueError(f"lanes {lanes} must be one of {', '.join(map(str, possible))}")

    @cached_property
    def _built(self) -> Built:
        return _kind(self.task).build(self.task, self.lanes, self._arithmetic)

    @property
    def layer(self) -> StreamingLayer:
        return self._built.layer

    def contents(self) -> Mapping[str, Sequence[int]]:
        return self._built.contents()

    @property
    def multipliers(self) -> tuple[int, int]:
        return self.lanes, 1


def options_of(task: Task, arithmetic: Arithmetic) -> list[SimpleOption]:
    """All numbers of lanes for a task of a simple kind."""
    return [SimpleOption(task, lanes, arithmetic) for lanes in _kind(task).lanes(task)]


def _kind(task: Task) -> SimpleKind:
    """Raises `InputError` where no hardware computes the task."""
    kind = KINDS.get(type(task.node.op))
    if kind is None:
        raise InputError(
            f"{task.name!r}: no hardware computes {task.kind}; cut the model before it, or leave it to the host"
        )
    return kind
