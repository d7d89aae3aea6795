"""Elements in another order, some of them several times, others not at all."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType

__all__ = ["Rearrange"]


@dataclass(frozen=True)
class Rearrange(Op):
    """out[y, x, c] = in.flat[rows[y] + columns[x] + channels[c]], `in` flattened as (height, width, channels).

    An entry of -1 in any table makes the output `fill` there. Slices, pads, transposes, space to depth and back,
    nearest upsampling, channel shuffles and the insertion of zeros are all of this form.

    Parameters
    ----------
    rows, columns, channels : one entry for each row, column, channel of the output
    fill : what is put in
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: tuple[int, ...]
    fill: int | float = 0

    def __post_init__(self) -> None:
        tables = (self.rows, self.columns, self.channels)
        if not all(tables) or min(map(min, tables)) < -1:
            raise ValueError("a rearrangement needs at least one row, column and channel, and entries from -1 on")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the output."""
        return len(self.rows), len(self.columns), len(self.channels)

    @cached_property
    def places(self) -> Array:
        """Each output element's place in the input, flattened; -1 for `fill`. Shape (height, width, channels)."""
        tables = [np.asarray(t, dtype=np.int64) for t in (self.rows, self.columns, self.channels)]
        grid = np.ix_(*tables)
        filled = (grid[0] < 0) | (grid[1] < 0) | (grid[2] < 0)
        result: Array = np.where(filled, -1, grid[0] + grid[1] + grid[2])
        return result

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        tables = (self.rows, self.columns, self.channels)
        # without `places`: what is too large shall fail before it takes memory
        last = sum(map(max, tables)) if min(map(max, tables)) >= 0 else -1
        if last >= x.size:
            raise ValueError(f"it reads element {last} of {x.size}")
        fixed = x.format
        if fixed is not None and min(map(min, tables)) < 0 and not fixed.lo <= self.fill <= fixed.hi:
            raise ValueError(f"its fill {self.fill} lies outside the format {fixed.lo}..{fixed.hi}")
        return replace(x, shape=self.shape)

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        flat = x.reshape(len(x), -1)
        taken = flat[:, np.maximum(self.places, 0)]
        return np.where(self.places < 0, np.asarray(self.fill, dtype=x.dtype), taken)
