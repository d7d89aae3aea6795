"""Scales as integers: exact float32 mantissas, or 17 bits."""

import numpy as np
import pytest

from rtlnn.ops import Precision
from rtlnn.passes.lowering import MAX_SHIFT, multipliers


def test_exact_multipliers_are_the_float32_numbers(rng: np.random.Generator) -> None:
    scale = np.exp2(rng.uniform(-23, 2, 1000)) * rng.choice([-1, 1], 1000)
    found = multipliers(scale, Precision.EXACT)
    np.testing.assert_array_equal(np.ldexp(found.multiplier.astype(float), -found.shift), scale.astype(np.float32))
    assert np.abs(found.multiplier).max() < 1 << 24
    assert found.shift.max() <= MAX_SHIFT


def test_fast_multipliers_have_17_bits(rng: np.random.Generator) -> None:
    scale = np.append(np.exp2(rng.uniform(-20, 0, 1000)), 1 - 2.0**-20)
    found = multipliers(scale, Precision.FAST)
    assert np.abs(found.multiplier).max() < 1 << 17
    np.testing.assert_allclose(np.ldexp(found.multiplier.astype(float), -found.shift), scale, rtol=2.0**-17)


def test_powers_of_two_are_shifts() -> None:
    found = multipliers(np.array([0.5, 0.125, 2.0**-9]), Precision.EXACT)
    assert found.multiplier.tolist() == [1, 1, 1]
    assert found.shift.tolist() == [1, 3, 9]


def test_zero() -> None:
    found = multipliers(np.array([0.0, 0.25]), Precision.EXACT)
    assert (found.multiplier.tolist(), found.shift.tolist()) == ([0, 1], [0, 2])


@pytest.mark.parametrize("precision", Precision)
def test_extremes_stay_within_bounds(precision: Precision) -> None:
    found = multipliers(np.array([1e-30, 2.0**-30, 1e30, -1e30, 0.3]), precision)
    assert found.shift.min() >= 0
    assert found.shift.max() <= MAX_SHIFT
    assert np.abs(found.multiplier).max() < 1 << 24
    # whatever the accumulator, the result is 0, or saturates
    assert abs(found.multiplier[0]) * 2.0**24 / 2.0 ** found.shift[0] < 0.5
    assert found.multiplier[2] / 2.0 ** found.shift[2] > 2**16
