"""Thresholds on a task's sums, as hardware."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.thresholds import ThresholdsConfig
from rtlnn.ops import Thresholds
from rtlnn.plan.tasks import Task

__all__ = ["Thresholding", "is_compared", "thresholding"]


@dataclass(frozen=True, eq=False)
class Thresholding:
    """A configuration, and the word of every channel."""

    config: ThresholdsConfig
    channels: tuple[int, ...]

    @property
    def constant(self) -> int | None:
        """The word of every channel, where they are all the same."""
        return self.channels[0] if len(set(self.channels)) == 1 else None

    def words(self) -> list[int]:
        """One word of the parameter memory for each channel."""
        return list(self.channels)


def is_compared(task: Task) -> bool:
    """Whether the task's sums are compared with thresholds."""
    return task.requantize is not None and isinstance(task.requantize.op, Thresholds)


def thresholding(task: Task, lanes: int, sum_bits: int, taken: Array | int) -> Thresholding:
    """How the task's sums, of `sum_bits` bits and without what was `taken` from each, become levels.

    The bias is in the thresholds, so that the sums must fit without it. A channel of the other direction counts the
    thresholds that are not reached: -sum >= t where not sum >= 1 - t.
    """
    assert task.requantize is not None
    op = task.requantize.op
    assert isinstance(op, Thresholds)
    thresholds, sign = (task.constants[v].astype(np.int64) for v in task.requantize.inputs[1:])
    signed = task.weights is not None or task.sums.fixed.signed
    lo, hi = (-(1 << sum_bits - 1), (1 << sum_bits - 1) - 1) if signed else (0, (1 << sum_bits) - 1)
    moved = np.where(sign > 0, thresholds, 1 - thresholds) - task.bias - taken
    ends: Array = np.clip(moved, lo, hi + 1)
    bits = int(np.maximum(ends, ~ends).max()).bit_length() + 1
    config = ThresholdsConfig(
        lanes=lanes,
        acc_bits=sum_bits,
        acc_signed=signed,
        levels=len(ends),
        threshold_bits=bits,
        directed=bool((sign < 0).any()),
        out_bits=op.output.bits,
        out_signed=op.output.signed,
        base=op.base,
        step=op.step,
    )
    words = (config.parameter_word(column, s < 0) for column, s in zip(ends.T.tolist(), sign.tolist(), strict=True))
    return Thresholding(config, tuple(words))
