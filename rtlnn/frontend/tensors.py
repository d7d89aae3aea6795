"""What an ONNX tensor is during import: a constant, or a view of a value of the graph.

Layout is solved here. A view says for each element of the ONNX tensor where it lies in the graph's value (which is
NHWC), so that Transpose, Reshape, Flatten and their like are NumPy operations on an array of positions and leave no
node behind. All shapes include the batch dimension, which is 1 during import.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array

__all__ = ["Constant", "Opaque", "QuantizedConstant", "Tensor", "View", "channels_first", "row_major"]

ShapeChange = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that is known. `name` is the model's."""

    name: str
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def moved(self, change: ShapeChange) -> "Constant":
        return Constant(self.name, change(self.array))


@dataclass(frozen=True, eq=False)
class QuantizedConstant:
    """The real constant (integers - zero)·scale; `scale` and `zero` are spread over the whole shape."""

    name: str
    integers: Array
    scale: Array
    zero: Array
    bits: int
    signed: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    def real(self) -> Array:
        """The numbers meant, computed in float32 as ONNX does."""
        centred = self.integers.astype(np.int64) - self.zero.astype(np.int64)
        result: Array = centred.astype(np.float32) * self.scale.astype(np.float32)
        return result

    def moved(self, change: ShapeChange) -> "QuantizedConstant":
        return QuantizedConstant(
            self.name, change(self.integers), change(self.scale), change(self.zero), self.bits, self.signed
        )


@dataclass(frozen=True, eq=False)
class View:
    """The graph's `value`, read in another order.

    Parameters
    ----------
    value : name in the graph
    index : of the ONNX tensor's shape; each element's place in the value (height, width, channels), flattened; -1 for
        `fill`
    tainted : something further up could not be imported, so only shapes can be trusted
    fill : the number of elements that are not in the value
    """

    value: str
    index: Array
    tainted: bool = False
    fill: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.index.shape

    def moved(self, change: ShapeChange) -> "View":
        return View(self.value, change(self.index), self.tainted, self.fill)


@dataclass(frozen=True)
class Opaque:
    """What an unusable node of unknown shape makes. Nodes behind it are checked by their operator alone."""


Tensor = Constant | QuantizedConstant | View | Opaque


def channels_first(shape: tuple[int, ...]) -> Array:
    """The index of an ONNX tensor (1, C, spatial...) whose value is (spatial..., C)."""
    size = int(np.prod(shape, dtype=np.int64))
    return np.moveaxis(np.arange(size).reshape(1, *shape[2:], shape[1]), -1, 1)


def row_major(shape: tuple[int, ...]) -> Array:
    """The index of a tensor whose elements lie in its own order."""
    return np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
