"""Counting thresholds: any monotonic function with few levels."""

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import Rounding, Thresholds
from rtlnn.passes.bisection import first_of


def test_levels_by_hand() -> None:
    op = Thresholds(FixedFormat(3, Encoding.SIGNED), base=-1, step=2)
    x = np.arange(-3, 4).reshape(1, 1, 7, 1) * np.ones(2, np.int64)
    thresholds, sign = np.array([[-1, -2], [2, 9]]), np.array([1, -1])
    y = op.evaluate(x, thresholds, sign)[0, 0]
    assert y[:, 0].tolist() == [-1, -1, 1, 1, 1, 3, 3]
    assert y[:, 1].tolist() == [1, 1, 1, 1, 1, 1, -1]


def test_levels_beyond_the_format_are_refused() -> None:
    op = Thresholds(FixedFormat(2, Encoding.UNSIGNED), base=1)
    with pytest.raises(ValueError, match=r"levels from 1 to 4 lie outside the format 0\.\.3"):
        op.infer(TensorType((1, 1, 5)), TensorType((3, 5)), TensorType((5,)))
    with pytest.raises(ValueError, match="do not fit 5 channels"):
        op.infer(TensorType((1, 1, 5)), TensorType((3, 4)), TensorType((5,)))


def test_search_equals_trying_all(rng: np.random.Generator) -> None:
    lo, hi = -20, 17
    begin = rng.integers(lo - 3, hi + 5, (4, 6))
    direction = rng.choice([-1, 1], 6)

    def holds(n: np.ndarray) -> np.ndarray:
        return n * direction >= begin

    found = first_of(holds, lo, hi, 4, direction)
    n = np.arange(lo, hi + 1)[:, np.newaxis, np.newaxis]
    np.testing.assert_array_equal(n * direction >= found, holds(n))


def test_rounding_of_ties() -> None:
    x = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 0.25, -0.25])
    wanted = {
        Rounding.HALF_EVEN: [-2, -2, 0, 0, 0, 2, 2, 0, 0],
        Rounding.HALF_UP: [-3, -2, -1, 0, 1, 2, 3, 0, 0],
        Rounding.HALF_DOWN: [-2, -1, 0, 0, 0, 1, 2, 0, 0],
        Rounding.FLOOR: [-3, -2, -1, 0, 0, 1, 2, 0, -1],
        Rounding.CEILING: [-2, -1, 0, 0, 1, 2, 3, 1, 0],
        Rounding.TO_ZERO: [-2, -1, 0, 0, 0, 1, 2, 0, 0],
        Rounding.FROM_ZERO: [-3, -2, -1, 0, 1, 2, 3, 1, -1],
    }
    for mode, result in wanted.items():
        assert mode.apply(x).tolist() == result, mode
