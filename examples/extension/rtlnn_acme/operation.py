"""What the operation means."""

from dataclasses import dataclass

from rtlnn.ir.op import CodeOp
from rtlnn.ir.types import Array

__all__ = ["DropLowBits"]


@dataclass(frozen=True)
class DropLowBits(CodeOp):
    """The integers with their lowest `bits` bits set to 0."""

    bits: int

    def __post_init__(self) -> None:
        if not 0 < self.bits < 8:
            raise ValueError(f"1 to 7 bits can be dropped, not {self.bits}")

    def evaluate(self, *inputs: Array) -> Array:
        (x,) = inputs
        return x >> self.bits << self.bits

    def bounds(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        return self.evaluate(lo), self.evaluate(hi)
