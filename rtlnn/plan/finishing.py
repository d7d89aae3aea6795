"""What turns a task's sums into results, as hardware: equal numbers in their cheapest form."""

from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.requantizer import BiasConfig, RequantizeConfig
from rtlnn.ops import Precision, Requantize
from rtlnn.plan.tasks import Parameters, Task

__all__ = ["Finish", "finishing"]


@dataclass(frozen=True, eq=False)
class Finish:
    """A configuration, and the parameters of every channel."""

    config: RequantizeConfig | BiasConfig
    parameters: Parameters

    @property
    def constant(self) -> int | None:
        """The word of every channel, where they are all the same."""
        return self._word(self.parameters.rows[0]) if self.parameters.uniform else None

    def words(self) -> list[int]:
        """One word of the parameter memory for each channel."""
        return [self._word(row) for row in self.parameters.rows]

    def _word(self, row: tuple[int, int, int, int]) -> int:
        if isinstance(self.config, BiasConfig):
            return row[0] & ((1 << self.config.acc_bits) - 1)
        return self.config.parameter_word(*row)


def finishing(
    task: Task, lanes: int, sum_bits: int, taken: Array | int, arithmetic: Arithmetic, spacing: int = 1
) -> Finish:
    """How the task's sums, of `sum_bits` bits and without what was `taken` from each, become results."""
    signed = task.sums.fixed.signed
    if task.requantize is None:
        return Finish(BiasConfig(lanes, sum_bits, signed), _parameters(task, taken))
    op = task.requantize.op
    assert isinstance(op, Requantize)
    # the same for most foldings of a task
    key = np.asarray(taken).tobytes()
    if key not in task.simplest:
        task.simplest[key] = _simplest(_parameters(task, taken))
    p = task.simplest[key]
    config = RequantizeConfig(
        lanes=lanes,
        acc_bits=sum_bits,
        acc_signed=signed,
        biased=p.biased,
        multiplier_bits=p.multiplier_bits if p.multiplies else 0,
        offset_bits=p.offset_bits,
        shift_lo=p.shifts[0],
        shift_hi=p.shifts[1],
        out_bits=op.output.bits,
        out_signed=op.output.signed,
        zero_point=op.offset,
        lo=op.lo,
        hi=op.hi,
        float32=op.precision is Precision.EXACT and len(task.requantize.inputs) == 3,
        arithmetic=arithmetic,
        spacing=spacing,
    )
    return Finish(config, p)


def _parameters(task: Task, taken: Array | int) -> Parameters:
    """Those of the task, with what was taken from its sums."""
    p = task.parameters
    return replace(p, bias=p.bias + taken, replaced=task.any_weight is not None)


def _simplest(p: Parameters) -> Parameters:
    """The same function with multipliers of 1, or else without the zeros that end all multipliers.

    Shifts that do not matter are like others.
    """
    nothing = (p.multiplier == 0) & (p.offset == 0)
    if nothing.all():
        return replace(p, shift=np.zeros_like(p.shift))
    # zeros that end a multiplier, its offset and 2**shift
    ends = p.multiplier | p.offset | (np.int64(1) << p.shift)
    zeros = np.log2(ends & -ends).astype(np.int64)
    if not ((p.multiplier >> zeros == 1).all() and not p.offset.any()):
        zeros = np.full_like(zeros, zeros[~nothing].min())
    shift = np.where(nothing, p.shift[~nothing].max(), p.shift) - zeros
    return replace(p, multiplier=p.multiplier >> zeros, offset=p.offset >> zeros, shift=shift)
