"""What every operation can tell of itself."""

from abc import ABC, abstractmethod

from rtlnn.ir.types import Array, TensorType

__all__ = ["Op"]


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
