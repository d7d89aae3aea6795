"""Reading the same elements, in the same order, as another shape."""

from dataclasses import dataclass, replace

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType

__all__ = ["Reshape"]


@dataclass(frozen=True)
class Reshape(Op):
    """x (H, W, C) as another (H, W, C), elements in NHWC order."""

    shape: tuple[int, int, int]

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        result = replace(x, shape=self.shape)
        if result.size != x.size:
            raise ValueError(f"{x.size} elements of {x.shape} do not make {self.shape}")
        return result

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        return x.reshape(len(x), *self.shape)
