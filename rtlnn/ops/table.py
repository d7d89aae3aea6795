"""Functions of one integer, tabulated; and the index of the largest channel."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["ArgMax", "Table"]


@dataclass(frozen=True)
class Table(Op):
    """Inputs x (H, W, C), table (entries,) or (C, entries): table[x - first], for each channel its own if there are C.

    Parameters
    ----------
    output : the result's format
    first : the integer of the table's first entry; every x lies within the table
    """

    output: FixedFormat
    first: int

    def infer(self, *inputs: TensorType) -> TensorType:
        x, table = inputs
        if len(table.shape) not in (1, 2) or (len(table.shape) == 2 and table.shape[0] != x.shape[2]):
            raise ValueError(f"a table of the shape {table.shape} does not fit {x.shape[2]} channels")
        last = self.first + table.shape[-1] - 1
        if not self.first <= x.fixed.lo <= x.fixed.hi <= last:
            raise ValueError(f"values from {x.fixed.lo} to {x.fixed.hi} meet a table from {self.first} to {last}")
        return TensorType(x.shape, self.output)

    def evaluate(self, *inputs: Array) -> Array:
        x, table = inputs
        index = x - self.first
        result: Array = table[index] if table.ndim == 1 else table[np.arange(len(table)), index]
        return result.astype(np.int64)


@dataclass(frozen=True)
class ArgMax(Op):
    """x (H, W, C): (H, W, 1), the index of the largest channel, of the first one where several are."""

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        h, w, c = x.shape
        return TensorType((h, w, 1), None if x.format is None else FixedFormat.spanning(0, c - 1))

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        return x.argmax(axis=-1, keepdims=True)
