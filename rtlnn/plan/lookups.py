"""Tables, rearrangements, softmax, and the index of the largest channel as hardware."""

from collections.abc import Sequence

import numpy as np

from rtlnn.emit.memory import pack_words
from rtlnn.ir.types import Array, TensorType
from rtlnn.layers.argmax import ArgMaxConfig
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.rearrange import RearrangeConfig
from rtlnn.layers.rearranging import Rearranging
from rtlnn.layers.softmax import SoftmaxConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.table import TableConfig
from rtlnn.ops import FixedSoftmax, Rearrange, Table
from rtlnn.plan.simple_kind import Built, useful_lanes
from rtlnn.plan.tasks import Task

__all__ = ["ArgMaxKind", "RearrangeKind", "SoftmaxKind", "TableKind"]


def _format(kind: TensorType, lanes: int) -> StreamFormat:
    h, w, c = kind.shape
    return StreamFormat(lanes, kind.fixed.bits, kind.fixed.signed, c, h * w)


class ArgMaxKind:
    """ArgMax (see `SimpleKind`)."""

    def lanes(self, task: Task) -> Sequence[int]:
        return useful_lanes(task.input.shape[2])

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        return Built(ArgMaxConfig(_format(task.input, lanes)))


class SoftmaxKind:
    """FixedSoftmax (see `SimpleKind`)."""

    def lanes(self, task: Task) -> Sequence[int]:
        return useful_lanes(task.input.shape[2])

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        op = task.node.op
        assert isinstance(op, FixedSoftmax)
        table, x = task.constants[task.node.inputs[1]], task.input.fixed
        fraction = int(table[0]).bit_length() - 1
        layer = SoftmaxConfig(
            _format(task.input, lanes), _format(task.output, lanes), fraction + 1, op.numerator, op.shift,
            op.output.zero_point, fraction, op.output.hi, arithmetic,
        )  # fmt: skip
        # what no distance reaches is 0
        powers = np.zeros((1 << x.bits, 1), dtype=np.int64)
        powers[: min(len(table), len(powers)), 0] = table[: len(powers)]
        return Built(layer, lambda: {"table": pack_words(powers, layer.power_bits)})


class TableKind:
    """Table (see `SimpleKind`)."""

    def lanes(self, task: Task) -> Sequence[int]:
        return useful_lanes(task.input.shape[2])

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        table = task.constants[task.node.inputs[1]]
        f = task.output.fixed
        layer = TableConfig(_format(task.input, lanes), f.bits, f.signed, table.ndim == 2)
        return Built(layer, lambda: _contents(layer, task, table))


def _contents(layer: TableConfig, task: Task, table: Array) -> dict[str, list[int]]:
    """The entries by the codes' bits; what no code reaches is 0."""
    op, x = task.node.op, task.input.fixed
    assert isinstance(op, Table)
    codes = np.arange(x.lo, x.hi + 1)
    rows = np.atleast_2d(table)[:, codes - op.first]
    by_bits = np.zeros((len(rows), 1 << x.bits), dtype=np.int64)
    by_bits[:, codes & (1 << x.bits) - 1] = rows
    if not layer.by_channel:
        return {"table": pack_words(by_bits.reshape(-1, 1), layer.bits)}
    lanes = layer.source.elements
    padded = np.concatenate([by_bits, np.zeros((layer.groups * lanes - len(rows), by_bits.shape[1]), np.int64)])
    return {f"table{n}": pack_words(padded[n::lanes].reshape(-1, 1), layer.bits) for n in range(lanes)}


class RearrangeKind:
    """Rearrange (see `SimpleKind`); lanes are those of the input."""

    def lanes(self, task: Task) -> Sequence[int]:
        fewest: dict[int, int] = {}
        for shape in _shapes(task):
            fewest.setdefault(shape.cycles, shape.source.elements)
        return sorted(fewest.values())

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        (shape,) = (s for s in _shapes(task) if s.source.elements == lanes)
        return Built(RearrangeConfig(shape))


def _shapes(task: Task) -> list[Rearranging]:
    assert isinstance(task.node.op, Rearrange)
    return Rearranging.all_of(task.node.op, task.input)
