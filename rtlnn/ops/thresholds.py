"""From sums to few levels by comparison: the activation of binary and few-bit networks."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat, TensorType

__all__ = ["Thresholds"]


@dataclass(frozen=True)
class Thresholds(Op):
    """Inputs x (H, W, C), thresholds (K, C) ascending along K, sign (C,) of 1 and -1:

    y = base + step · #{k : sign·x >= thresholds[k]}.

    Any function of x that never decreases, or never increases, and has few levels is of this form, exactly. In a graph
    of real numbers x and the thresholds are real, the result is integers all the same.

    Parameters
    ----------
    output : the result's format
    base : the result below all thresholds
    step : between levels; 2 for values of -1 and 1
    """

    output: FixedFormat
    base: int = 0
    step: int = 1

    def infer(self, *inputs: TensorType) -> TensorType:
        x, thresholds, sign = inputs
        channels = x.shape[2]
        if len(thresholds.shape) != 2 or thresholds.shape[1] != channels or sign.shape != (channels,):
            raise ValueError(f"thresholds {thresholds.shape} and signs {sign.shape} do not fit {channels} channels")
        last = self.base + self.step * thresholds.shape[0]
        if not self.output.lo <= min(self.base, last) <= max(self.base, last) <= self.output.hi:
            raise ValueError(
                f"levels from {self.base} to {last} lie outside the format {self.output.lo}..{self.output.hi}"
            )
        return TensorType(x.shape, self.output)

    def evaluate(self, *inputs: Array) -> Array:
        x, thresholds, sign = inputs
        directed = x * sign
        count = np.zeros(directed.shape, dtype=np.int64)
        for level in thresholds:
            count += directed >= level
        return self.base + self.step * count
