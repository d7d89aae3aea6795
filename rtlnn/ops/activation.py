"""Activation functions on real numbers; behind a quantization they become tables."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, TensorType

__all__ = ["Activation", "Function"]


class Function(Enum):
    """Functions of one number, by ONNX's names where it has one; `a`, `b` are the attributes alpha, beta (or gamma)."""

    LEAKY_RELU = "LeakyRelu"
    """x, or a·x where x < 0."""
    ELU = "Elu"
    """x, or a·(exp(x) - 1) where x < 0."""
    SELU = "Selu"
    """b·x, or b·a·(exp(x) - 1) where x <= 0."""
    CELU = "Celu"
    """max(0, x) + min(0, a·(exp(x / a) - 1))."""
    HARD_SIGMOID = "HardSigmoid"
    """a·x + b, limited to 0..1."""
    HARD_SWISH = "HardSwish"
    """x·(x / 6 + 0.5 limited to 0..1)."""
    SIGMOID = "Sigmoid"
    """1 / (1 + exp(-x))."""
    TANH = "Tanh"
    SOFTPLUS = "Softplus"
    """log(1 + exp(x))."""
    SOFTSIGN = "Softsign"
    """x / (1 + |x|)."""
    MISH = "Mish"
    """x·tanh(softplus(x))."""
    SWISH = "Swish"
    """x·sigmoid(a·x)."""
    GELU = "Gelu"
    """x·Φ(x), Φ the normal distribution."""
    GELU_TANH = "GeluTanh"
    """Gelu by its tanh approximation."""
    THRESHOLDED_RELU = "ThresholdedRelu"
    """x where x > a, else 0."""
    ERF = "Erf"
    EXP = "Exp"
    ABS = "Abs"


def _sigmoid(x: Array) -> Array:
    # tanh does not overflow where exp would
    result: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return result


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x) if x.size else x


_FORMULAS: dict[Function, Callable[[Array, float, float], Array]] = {
    Function.LEAKY_RELU: lambda x, a, b: np.where(x < 0, a * x, x),
    Function.ELU: lambda x, a, b: np.where(x < 0, a * np.expm1(np.minimum(x, 0.0)), x),
    Function.SELU: lambda x, a, b: b * np.where(x > 0, x, a * np.expm1(np.minimum(x, 0.0))),
    Function.CELU: lambda x, a, b: np.maximum(x, 0.0) + np.minimum(0.0, a * np.expm1(np.minimum(x / a, 0.0))),
    Function.HARD_SIGMOID: lambda x, a, b: np.clip(a * x + b, 0.0, 1.0),
    Function.HARD_SWISH: lambda x, a, b: x * np.clip(x / 6.0 + 0.5, 0.0, 1.0),
    Function.SIGMOID: lambda x, a, b: _sigmoid(x),
    Function.TANH: lambda x, a, b: np.tanh(x),
    Function.SOFTPLUS: lambda x, a, b: _softplus(x),
    Function.SOFTSIGN: lambda x, a, b: x / (1.0 + np.abs(x)),
    Function.MISH: lambda x, a, b: x * np.tanh(_softplus(x)),
    Function.SWISH: lambda x, a, b: x * _sigmoid(a * x),
    Function.GELU: lambda x, a, b: 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0))),
    Function.GELU_TANH: lambda x, a, b: 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))),
    Function.THRESHOLDED_RELU: lambda x, a, b: np.where(x > a, x, 0.0),
    Function.ERF: lambda x, a, b: _erf(x),
    Function.EXP: lambda x, a, b: np.exp(x),
    Function.ABS: lambda x, a, b: np.abs(x),
}


@dataclass(frozen=True)
class Activation(Op):
    """`function` of every element of x (H, W, C); `a`, `b` are its parameters, where it has any."""

    function: Function
    a: float = 0.0
    b: float = 0.0

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return TensorType(x.shape)

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        return np.asarray(_FORMULAS[self.function](np.asarray(x, dtype=np.float64), self.a, self.b))
