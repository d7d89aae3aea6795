"""Convolution, dense layers and pools against their definitions, written out as loops over Python integers."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import AveragePool2D, Conv2D, Dense, MaxPool2D, Window

Rng = np.random.Generator
S8 = FixedFormat(8, Encoding.SIGNED, 0.5, 4)

WINDOWS = [
    Window((1, 1)),
    Window((3, 3), (1, 1), (1, 1, 1, 1)),
    Window((2, 3), (2, 1), (1, 0, 0, 2)),
    Window((5, 4)),
    Window((1, 2), (1, 3), (0, 1, 0, 0)),
    Window((2, 2), (3, 3)),
    Window((2, 3), (2, 1), (1, 0, -1, -2)),
    Window((2, 3), (1, 2), (1, 2, 2, 0), (3, 2)),
]


def _pixels(window: Window, y: int, x: int, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """(row, column) in the kernel and in the image, for every pixel of the position that lies on the image."""
    found = []
    for ky, kx in product(range(window.kernel[0]), range(window.kernel[1])):
        iy = y * window.stride[0] + ky * window.dilation[0] - window.pads[0]
        ix = x * window.stride[1] + kx * window.dilation[1] - window.pads[1]
        if 0 <= iy < height and 0 <= ix < width:
            found.append((ky, kx, iy, ix))
    return found


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_convolution(window: Window, rng: Rng) -> None:
    x = rng.integers(-128, 128, (2, 5, 6, 3))
    w = rng.integers(-127, 128, (4, *window.kernel, 3))
    b = rng.integers(-(1 << 20), 1 << 20, 4)
    op = Conv2D(window, 4)
    got = op.evaluate(x, w, b)
    kinds = (TensorType(x.shape[1:], S8), TensorType(w.shape, S8), TensorType(b.shape, S8))
    assert got.shape[1:] == op.infer(*kinds).shape
    assert got.dtype == np.int64
    for n, y, c, o in np.ndindex(got.shape):
        wanted = int(b[o]) + sum(
            int(w[o, ky, kx, i]) * (int(x[n, iy, ix, i]) - 4)
            for ky, kx, iy, ix in _pixels(window, y, c, 5, 6)
            for i in range(3)
        )
        assert got[n, y, c, o] == wanted


@pytest.mark.parametrize("groups", [2, 3, 6])
def test_grouped_convolution(groups: int, rng: Rng) -> None:
    window = Window((2, 3), (1, 2), (1, 0, 0, 1), (1, 2))
    x, w = rng.integers(-128, 128, (2, 5, 6, 6)), rng.integers(-127, 128, (12, 2, 3, 6 // groups))
    whole = np.zeros((12, 2, 3, 6), dtype=np.int64)
    for o in range(12):
        first = o // (12 // groups) * (6 // groups)
        whole[o, :, :, first : first + 6 // groups] = w[o]
    np.testing.assert_array_equal(Conv2D(window, 4, groups).evaluate(x, w), Conv2D(window, 4).evaluate(x, whole))
    with pytest.raises(ValueError, match="do not make"):
        Conv2D(window, 4, groups).infer(TensorType((5, 6, 6), S8), TensorType((13, 2, 3, 6 // groups), S8))


def test_dense(rng: Rng) -> None:
    x, w, b = rng.integers(-128, 128, (3, 1, 1, 50)), rng.integers(-127, 128, (7, 50)), rng.integers(-99, 99, 7)
    got = Dense(-5).evaluate(x, w, b)
    for n, o in np.ndindex(3, 7):
        wanted = int(b[o]) + sum(int(w[o, i]) * (int(x[n, 0, 0, i]) + 5) for i in range(50))
        assert got[n, 0, 0, o] == wanted


def test_real_numbers_keep_their_fractions(rng: Rng) -> None:
    x, w, b = rng.standard_normal((3, 1, 1, 5)), rng.standard_normal((2, 5)), rng.standard_normal(2)
    np.testing.assert_allclose(Dense().evaluate(x, w, b), x @ w.T + b)


@pytest.mark.parametrize("window", [w for w in WINDOWS if max(w.pads) < min(w.kernel)], ids=str)
def test_pools(window: Window, rng: Rng) -> None:
    x = rng.integers(-128, 128, (2, 5, 6, 3))
    largest = MaxPool2D(window).evaluate(x)
    for n, y, c, o in np.ndindex(largest.shape):
        assert largest[n, y, c, o] == max(x[n, iy, ix, o] for *_, iy, ix in _pixels(window, y, c, 5, 6))
    for count in (False, True):
        top, left, bottom, right = window.pads
        counted = (top, left, max(bottom, 0), max(right, 0)) if count else (0, 0, 0, 0)
        op = AveragePool2D(window, counted, x_zero=4)
        _, divisor = op.factors((5, 6))
        average = op.evaluate(x)
        kind = op.infer(TensorType((5, 6, 3), S8)).fixed
        assert kind.lo <= average.min()
        assert average.max() <= kind.hi
        for n, y, c, o in np.ndindex(average.shape):
            pixels = _pixels(window, y, c, 5, 6)
            total = sum(int(x[n, iy, ix, o]) - 4 for *_, iy, ix in pixels)
            size = window.kernel[0] * window.kernel[1] if count else len(pixels)
            assert Fraction(int(average[n, y, c, o]), divisor) == Fraction(total, size)


def test_windows_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MaxPool2D(Window((6, 2))).infer(TensorType((5, 6, 3), S8))
    with pytest.raises(ValueError, match="without a pixel"):
        MaxPool2D(Window((2, 2), (1, 1), (2, 0, 0, 0))).infer(TensorType((5, 6, 3), S8))


def test_shapes_that_do_not_fit() -> None:
    x = TensorType((5, 6, 3), S8)
    with pytest.raises(ValueError, match="weights for 4 channels meet an input of 3"):
        Conv2D(Window((1, 1))).infer(x, TensorType((2, 1, 1, 4), S8))
    with pytest.raises(ValueError, match="meet a window"):
        Conv2D(Window((2, 2))).infer(x, TensorType((2, 1, 1, 3), S8))
    with pytest.raises(ValueError, match="the bias has shape"):
        Dense().infer(TensorType((1, 1, 3), S8), TensorType((2, 3), S8), TensorType((3,), S8))
