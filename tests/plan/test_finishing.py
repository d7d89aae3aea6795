"""Requantizations in their cheapest form: the same function, whatever became of its numbers."""

from fractions import Fraction

import numpy as np
import pytest

from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.product_config import ProductBody
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.plan.finishing import Finish, finishing
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator


def _finish(rng: Rng, multiplier: list[int], shift: list[int], offset: list[int] | None = None) -> tuple[Task, Finish]:
    builder = Builder(rng, (2, 2, len(multiplier)), 20, True)
    extra = None if offset is None else np.array(offset)
    builder.requantize_by(fixed(8, True), np.array(multiplier), np.array(shift), extra)
    (task,) = tasks_of(builder.graph())
    return task, finishing(task, 1, 20, 0, Arithmetic.DSP48E2)


def _ratios(multiplier: Array, offset: Array, shift: Array) -> list[tuple[Fraction, Fraction]]:
    columns = zip(multiplier, offset, shift, strict=True)
    return [(Fraction(int(m), 1 << int(s)), Fraction(int(o), 1 << int(s))) for m, o, s in columns]


@pytest.mark.parametrize(
    ("multiplier", "shift", "offset", "bits", "shifts"),
    [
        ([1 << 23, 1 << 22, 1], [33, 33, 12], None, 0, (10, 12)),  # powers of two
        ([24, 40, -8], [9, 10, 11], None, 4, (6, 8)),  # 3, 5 and -1, by one and the same number of zeros
        ([96, 0, 33], [20, 0, 21], None, 8, (20, 21)),  # what is zero has any shift
        ([0, 0], [5, 9], None, 1, (0, 0)),
        ([4, 4], [5, 5], [0, 2], 3, (4, 4)),  # an offset needs its multiplier
        ([0, 8], [2, 9], [6, 0], 4, (1, 8)),  # nothing but an offset: that needs its shift
    ],
)
def test_the_same_function(
    multiplier: list[int], shift: list[int], offset: list[int] | None, bits: int, shifts: tuple[int, int], rng: Rng
) -> None:
    task, finish = _finish(rng, multiplier, shift, offset)
    config, p, q = finish.config, finish.parameters, task.parameters
    assert isinstance(config, RequantizeConfig)
    assert (config.multiplier_bits, config.shift_lo, config.shift_hi) == (bits, *shifts)
    assert _ratios(p.multiplier, p.offset, p.shift) == _ratios(q.multiplier, q.offset, q.shift)
    assert (config.product.body is ProductBody.SHIFT) == (bits == 0)
    assert not config.biased


def test_what_was_taken_from_the_sums_is_in_the_bias(rng: Rng) -> None:
    (task,) = tasks_of(Builder(rng, (1, 1, 4)).dense(3).requantize().graph())
    taken = np.array([5, -70, 0])
    finish = finishing(task, 1, 18, taken, Arithmetic.GENERIC)
    np.testing.assert_array_equal(finish.parameters.bias, task.parameters.bias + taken)
    assert [word & (1 << 18) - 1 for word in finish.words()] == [int(b) & (1 << 18) - 1 for b in finish.parameters.bias]
    assert finish.constant is None
