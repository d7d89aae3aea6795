"""Operations on several tensors, rearrangements and tables against their definitions."""

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import Activation, Add, ArgMax, Concat, Extreme, Function, Multiply, Rearrange, Table

Rng = np.random.Generator
S8 = FixedFormat(8, Encoding.SIGNED)
U8 = FixedFormat(8, Encoding.UNSIGNED)
SHAPE = (2, 3, 4)


def test_sums_stay_in_the_inferred_format() -> None:
    for lo, hi in ((-128, -128), (127, 127), (-128, 127)):
        a, b = np.full((1, *SHAPE), lo), np.full((1, *SHAPE), hi)
        factors = np.array([-99, 99, 5, 0]), np.array([99, -99, 7, 1])
        kinds = [TensorType(SHAPE, S8)] * 2 + [TensorType((4,), FixedFormat(8, Encoding.SIGNED))] * 2
        op = Add((-3, 100))
        got, fixed = op.evaluate(a, b, *factors), op.infer(*kinds).fixed
        np.testing.assert_array_equal(got, factors[0] * (a + 3) + factors[1] * (b - 100))
        assert fixed.lo <= got.min() <= got.max() <= fixed.hi
        product, fixed = Multiply((-3, 100)).evaluate(a, b), Multiply((-3, 100)).infer(*kinds[:2]).fixed
        np.testing.assert_array_equal(product, (a + 3) * (b - 100))
        assert fixed.lo <= product.min() <= product.max() <= fixed.hi


def test_what_does_not_fit_is_refused() -> None:
    a, b = TensorType(SHAPE, S8), TensorType((2, 3, 5), S8)
    for op in (Add(), Multiply(), Extreme(True), Concat(0)):
        with pytest.raises(ValueError, match="do not"):
            op.infer(a, b)
    with pytest.raises(ValueError, match="the same one"):
        Concat(2).infer(a, TensorType(SHAPE, U8))
    assert Concat(2).infer(a, b).shape == (2, 3, 9)
    with pytest.raises(ValueError, match="reads element"):
        Rearrange((0,), (0,), (24,)).infer(a)
    with pytest.raises(ValueError, match="outside the format"):
        Rearrange((0, -1), (0,), (0,), 200).infer(a)
    with pytest.raises(ValueError, match="meet a table"):
        Table(S8, -128).infer(a, TensorType((255,), S8))


def test_extremes_and_concatenation(rng: Rng) -> None:
    a, b = rng.integers(-128, 128, (2, 3, *SHAPE))
    np.testing.assert_array_equal(Extreme(True).evaluate(a, b), np.maximum(a, b))
    np.testing.assert_array_equal(Extreme(False).evaluate(a, b), np.minimum(a, b))
    for axis in range(3):
        assert Concat(axis).evaluate(a, b, a).shape[axis + 1] == 3 * SHAPE[axis]


def test_rearrangements(rng: Rng) -> None:
    x = rng.integers(-128, 128, (2, 4, 6, 8))
    n, h, w, c = x.shape
    every = tuple(tuple(range(0, n * step, step)) for n, step in ((h, w * c), (w, c), (c, 1)))
    np.testing.assert_array_equal(Rearrange(*every).evaluate(x), x)
    rows, columns, channels = every
    padded = Rearrange((-1, *rows), (*columns, -1, -1), channels, 7)
    np.testing.assert_array_equal(padded.evaluate(x), np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)), constant_values=7))
    # depth to space, block 2, in the order of ONNX's DCR: channel (i, j, c) goes to pixel (2y + i, 2x + j)
    deep = Rearrange(
        tuple(y * w * c + i * 4 for y in range(h) for i in range(2)),
        tuple(x * c + j * 2 for x in range(w) for j in range(2)),
        (0, 1),
    )
    wanted = x.reshape(n, h, w, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, 2)
    np.testing.assert_array_equal(deep.evaluate(x), wanted)
    turned = Rearrange(channels, rows, columns)
    np.testing.assert_array_equal(turned.evaluate(x), x.transpose(0, 3, 1, 2))


def test_tables_and_argmax(rng: Rng) -> None:
    x = rng.integers(-128, 128, (3, *SHAPE))
    table = rng.integers(-9, 9, (4, 256))
    np.testing.assert_array_equal(Table(S8, -128).evaluate(x, table[0]), table[0][x + 128])
    for c in range(4):
        np.testing.assert_array_equal(Table(S8, -128).evaluate(x, table)[..., c], table[c][x[..., c] + 128])
    ties = np.array([[3, 5, 5, 1]]).reshape(1, 1, 1, 4)
    assert ArgMax().evaluate(ties).item() == 1
    assert ArgMax().infer(TensorType((1, 1, 4), S8)).fixed.bits == 2


@pytest.mark.parametrize("function", list(Function))
def test_activations_are_finite_everywhere(function: Function) -> None:
    x = np.array([-1e30, -700.0, -1.0, 0.0, 1.0, 700.0, 1e30]).reshape(1, 1, 7, 1)
    with np.errstate(over="ignore"):
        y = Activation(function, 0.5, 1.5).evaluate(x)
    assert y.shape == x.shape
    assert not np.isnan(y).any()
