"""The reference computes integers with floating point where that is exact, and only there."""

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat
from rtlnn.ops import Conv2D, MaxPool2D, Precision, Requantize, Window
from rtlnn.ops import conv as conv_module

INT8 = FixedFormat(8, Encoding.SIGNED, 1.0)


def _by_definition(x: np.ndarray, w: np.ndarray, op: Conv2D) -> np.ndarray:
    """Convolution in Python's integers, without padding."""
    (sy, sx), (dy, dx) = op.window.stride, op.window.dilation
    oh, ow = op.window.output_size(x.shape[1:3])
    size = len(w) // op.groups
    out = np.zeros((len(x), oh, ow, len(w)), object)
    for y, c, o in np.ndindex(oh, ow, len(w)):
        first = o // size * w.shape[3]
        for ky, kx, k in np.ndindex(*w.shape[1:]):
            tap = x[:, y * sy + ky * dy, c * sx + kx * dx, first + k].astype(object)
            out[:, y, c, o] += (tap - op.x_zero) * int(w[o, ky, kx, k])
    return out


@pytest.mark.parametrize("groups", [1, 2, 4], ids=["dense", "grouped", "depthwise"])
@pytest.mark.parametrize("reach", [9, 1 << 11, 1 << 20])
def test_convolutions_of_any_size_are_exact(groups: int, reach: int, rng: np.random.Generator) -> None:
    """Small sums fit binary32, larger ones binary64; all equal those of unlimited integers."""
    op = Conv2D(Window((2, 3), (2, 1), dilation=(1, 2)), x_zero=3, groups=groups)
    x = rng.integers(-reach, reach, (2, 5, 7, 4), endpoint=True)
    w = rng.integers(-reach, reach, (8, 2, 3, 4 // groups), endpoint=True)
    x[0, 0, 0, 0], w[0, 0, 0, 0] = reach, -reach
    assert (op.evaluate(x, w) == _by_definition(x, w, op)).all()


def test_binary32_is_used_to_its_last_integer() -> None:
    w = np.full((1, 1, 1, 2), 1 << 11)
    for x, kind in ((1 << 12, np.float32), ((1 << 12) + 1, np.float64)):
        assert conv_module._exact_type(np.full((1, 1, 1, 2), x), 0, w) == kind


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("biased", [False, True])
def test_requantization_in_reals_equals_that_of_integers(
    precision: Precision, biased: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties, both signs, products that need rounding to 24 bits, shifts from 0 to 40."""
    op = Requantize(INT8, -100, 127, precision, zero=-5)
    shift = np.array([0, 1, 2, 17, 31, 40])
    multiplier = np.array([1, -1, 2, (1 << 16) + 1, (1 << 23) + 1, (1 << 24) - 1])
    reach = np.minimum((1 << (shift + 8)) // np.abs(multiplier), 1 << 27)
    acc = rng.integers(-reach, reach, (1, 40, 40, 6), endpoint=True)
    bias = [rng.integers(-(1 << 20), 1 << 20, 6)] if biased else []
    fast = op._in_reals(acc, multiplier, shift, *bias)
    assert fast is not None
    monkeypatch.setattr(Requantize, "_in_reals", lambda *_: None)
    assert (fast == op.evaluate(acc, multiplier, shift, *bias)).all()


def test_numbers_too_large_for_reals_are_left_to_integers() -> None:
    op = Requantize(INT8, -128, 127)
    acc, multiplier = np.full((1, 1, 1, 1), 1 << 30), np.array([1 << 23])
    assert op._in_reals(acc, multiplier, np.array([50])) is None
    assert op.evaluate(acc, multiplier, np.array([50])) == 8


def test_pools_read_every_tap(rng: np.random.Generator) -> None:
    window = Window((3, 2), (2, 1), (1, 0, 1, 1))
    x = rng.integers(-99, 99, (2, 6, 5, 3))
    lowest = np.iinfo(np.int64).min
    assert (MaxPool2D(window).evaluate(x) == window.view(x, lowest).max(axis=(3, 4))).all()
