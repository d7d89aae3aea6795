"""Requantization against exact rational arithmetic, and against float32 as the integer kernels use it."""

from fractions import Fraction

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat
from rtlnn.ops import Precision, Requantize
from rtlnn.ops.requantize import round_half_even_shift
from rtlnn.passes.lowering import multipliers

Rng = np.random.Generator
S8 = FixedFormat(8, Encoding.SIGNED, 1.0, -7)


def test_shift_rounds_half_to_even() -> None:
    p = np.arange(-40, 41)
    for shift in range(5):
        got = round_half_even_shift(p, np.array(shift))
        assert got.tolist() == [round(Fraction(int(v), 1 << shift)) for v in p]


def test_shift_of_large_numbers(rng: Rng) -> None:
    p = rng.integers(-(1 << 55), 1 << 55, 1000)
    for shift in (1, 23, 40, 54):
        got = round_half_even_shift(p, np.array(shift))
        assert got.tolist() == [round(Fraction(int(v), 1 << shift)) for v in p]


def _apply(op: Requantize, acc: np.ndarray, *parameters: int) -> np.ndarray:
    arrays = [np.array([p]) for p in parameters]
    return op.evaluate(acc.reshape(-1, 1, 1, 1), *arrays).ravel()


def test_fast_and_biased_results_are_rounded_once(rng: Rng) -> None:
    acc = rng.integers(-(1 << 22), 1 << 22, 2000)
    m, s, b = 91234, 33, 12345678901
    for op, bias in ((Requantize(S8, -100, 90, Precision.FAST), 0), (Requantize(S8, -100, 90), b)):
        got = _apply(op, acc, m, s, bias) if bias else _apply(op, acc, m, s)
        wanted = [min(max(round(Fraction(int(a) * m + bias, 1 << s)) - 7, -100), 90) for a in acc]
        assert got.tolist() == wanted
        assert len(set(wanted)) > 50


@pytest.mark.parametrize("sign", [1, -1])
def test_exact_results_are_those_of_float32(sign: int, rng: Rng) -> None:
    """float32(acc)·float32(scale), rounded to an integer: what onnxruntime's kernels compute."""
    for scale in (sign * np.exp2(rng.uniform(-16, -4, 40))).astype(np.float32):
        half = np.arange(-100, 100) + 0.5
        # around the ties, where a single rounding would differ
        acc = np.concatenate([rng.integers(-(1 << 23), 1 << 23, 500), *(np.rint(half / scale) + d for d in (-1, 0, 1))])
        acc = acc[np.abs(acc) < 1 << 24].astype(np.int64)
        found = multipliers(np.array([scale], np.float64), Precision.EXACT)
        got = _apply(Requantize(S8, -128, 127), acc, int(found.multiplier[0]), int(found.shift[0]))
        wanted = np.clip(np.rint(acc.astype(np.float32) * scale) - 7, -128, 127)
        np.testing.assert_array_equal(got, wanted)


def test_bounds_outside_the_format() -> None:
    with pytest.raises(ValueError, match="outside the format"):
        Requantize(S8, -129, 0)
