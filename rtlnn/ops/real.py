"""Operations on real numbers: float models before quantization, and the work of the host around the hardware."""

from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops.rounding import Rounding

__all__ = ["Affine", "Clip", "Dequantize", "Quantize", "Softmax"]


@dataclass(frozen=True)
class Affine(Op):
    """Inputs x (H, W, C), scale (C,), shift (C,): x·scale + shift. A batch norm, or arithmetic with constants."""

    def infer(self, *inputs: TensorType) -> TensorType:
        x, scale, shift = inputs
        if scale.shape != (x.shape[2],) or shift.shape != (x.shape[2],):
            raise ValueError(f"scale {scale.shape} and shift {shift.shape} do not fit {x.shape[2]} channels")
        return TensorType(x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        x, scale, shift = inputs
        return x * scale + shift


@dataclass(frozen=True)
class Clip(Op):
    """x limited to lo..hi; a ReLU is lo = 0, hi = infinity."""

    lo: float
    hi: float

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return x

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        return np.clip(x, self.lo, self.hi)


@dataclass(frozen=True)
class Quantize(Op):
    """ONNX QuantizeLinear: clip(round(x / scale) + zero_point), computed in float32 as ONNX does.

    Parameters
    ----------
    output : the result's format
    rounding : to integers, before the zero point is added
    bounds : the smallest and largest code, where those of the format are not used
    """

    output: FixedFormat
    rounding: Rounding = Rounding.HALF_EVEN
    bounds: tuple[int, int] | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest code."""
        return self.bounds or (self.output.lo, self.output.hi)

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return TensorType(x.shape, self.output)

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        scaled = x.astype(np.float32) / np.asarray(self.output.scale, np.float32)
        rounded = self.rounding.apply(scaled).astype(np.float64)
        return np.clip(rounded + self.output.zero_point, *self.ends).astype(np.int64)


@dataclass(frozen=True)
class Dequantize(Op):
    """ONNX DequantizeLinear: (x - zero_point)·scale, computed in float32 as ONNX does.

    `axis` is the one that several scales belong to: the last (-1) of an activation, the first (0) of a weight.
    """

    input: FixedFormat
    axis: int = -1

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        scale = self.input.scale
        if isinstance(scale, tuple) and len(scale) != x.shape[self.axis]:
            raise ValueError(f"{len(scale)} scales do not fit axis {self.axis} of {x.shape}")
        return replace(x, format=None)

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        scale = np.asarray(self.input.scale, np.float32)
        if scale.ndim and self.axis == 0:
            scale = scale.reshape(-1, *(1,) * (x.ndim - 1))
        return ((x - self.input.zero_point).astype(np.float32) * scale).astype(np.float64)


@dataclass(frozen=True)
class Softmax(Op):
    """exp(x) / Σ exp(x) over the channels of each pixel."""

    log: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return TensorType(x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        shifted = x - x.max(axis=-1, keepdims=True)
        total = np.exp(shifted).sum(axis=-1, keepdims=True)
        return shifted - np.log(total) if self.log else np.exp(shifted) / total
