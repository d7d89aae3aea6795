"""What every operation can tell of itself."""

from abc import ABC, abstractmethod

from rtlnn.ir.types import Array, TensorType

__all__ = ["CodeOp", "Op"]


class Op(ABC):
    """The meaning of an operation, free of any hardware: a frozen dataclass with its attributes.

    Activations are arrays [N, H, W, C]; integers are int64, real numbers float64.
    """

    @abstractmethod
    def infer(self, *inputs: TensorType) -> TensorType:
        """The type of the result. Raises `ValueError` if the inputs do not fit the operation."""

    @abstractmethod
    def evaluate(self, *inputs: Array) -> Array:
        """The result, exactly. This defines the operation: hardware equals it on every bit."""


class CodeOp(Op):
    """An operation on the integers of one value, which keeps their format; packages of users add such operations.

    Its input is behind a quantization. Trailing rows and columns are never taken away from it.
    """

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return x

    @abstractmethod
    def bounds(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        """The smallest and largest result of each channel, for inputs from `lo` to `hi`; (C,) int64 each."""
