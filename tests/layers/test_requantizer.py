"""Requantization: hardware, `Requantize.evaluate`, exact fractions and float32 arithmetic give the same integers."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Precision, Requantize
from rtlnn.plan.folding import Folding
from tests.hardware import kernel
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator
MANTISSA = 24


def _half_even(value: Fraction, unit: Fraction) -> Fraction:
    """The multiple of `unit` next to `value`; Python rounds fractions half to even."""
    return round(value / unit) * unit


def _exact(acc: int, multiplier: int, shift: int, offset: int | None, op: Requantize) -> int:
    """The definition in the words of real numbers: one rounding or two, then the clip."""
    product = Fraction(acc * multiplier)
    if offset is not None:
        product += offset
    elif op.precision is Precision.EXACT and product:
        exponent = abs(acc * multiplier).bit_length()
        product = _half_even(product, Fraction(2) ** (exponent - MANTISSA)) if exponent > MANTISSA else product
    return min(max(round(product / 2**shift) + op.output.zero_point, op.lo), op.hi)


def _near_ties(rng: Rng, kind: FixedFormat, multiplier: Array, shift: Array, span: int, count: int) -> Array:
    """Sums [count, C] whose quotient is next to n + 1/2 for |n| < `span`, and the ends of the format."""
    ties = rng.integers(-span, span, (count, len(multiplier))) + 0.5
    sums = np.rint(ties * 2.0**shift / np.where(multiplier, multiplier, 1)) + rng.integers(-1, 2, ties.shape)
    sums[: count // 16] = rng.choice([kind.lo, kind.hi, 0, -1, 1], (count // 16, len(multiplier)))
    return np.clip(sums, kind.lo, kind.hi).astype(np.int64)


def _hard_multipliers(rng: Rng, sum_bits: int, span: int, count: int) -> tuple[Array, Array]:
    """24-bit multipliers and shifts that give a quotient around `span` for sums of `sum_bits`.

    Half of them are just above or below a power of two times 1 + 2**-k: with such a multiplier many products lie so
    close to a tie that float32 rounds them to it.
    """
    close = (1 << 23) + (1 << rng.integers(0, 12, count)) * rng.choice([1, -1, 0], count)
    multiplier = np.where(rng.random(count) < 0.5, rng.integers(1 << 23, 1 << 24, count), close)
    shift = MANTISSA + sum_bits - span.bit_length() - rng.integers(0, 4, count)
    return multiplier * rng.choice([1, -1], count), shift


def _reference(op: Requantize, sums: Array, multiplier: Array, shift: Array, offset: Array | None = None) -> Array:
    """`_exact` for sums [N, C]."""
    offsets = [None] * len(multiplier) if offset is None else [int(o) for o in offset]
    columns = zip(sums.T, multiplier, shift, offsets, strict=True)
    return np.array([[_exact(int(a), int(m), int(s), o, op) for a in column] for column, m, s, o in columns]).T


def test_evaluate_is_exact_arithmetic_next_to_ties(rng: Rng) -> None:
    kind = fixed(26, True)
    multiplier, shift = _hard_multipliers(rng, kind.bits, 128, 64)
    sums = _near_ties(rng, kind, multiplier, shift, 200, 400)
    offset = rng.integers(-(1 << 40), 1 << 40, 64)
    results = []
    for precision, extra in ((Precision.EXACT, None), (Precision.FAST, None), (Precision.EXACT, offset)):
        op = Requantize(fixed(8, True, -7), -120, 127, precision)
        inputs = (multiplier, shift) if extra is None else (multiplier, shift, extra)
        results.append(op.evaluate(sums[:, np.newaxis, np.newaxis], *inputs)[:, 0, 0])
        np.testing.assert_array_equal(results[-1], _reference(op, sums, multiplier, shift, extra))
    assert np.count_nonzero(results[0] != results[1]) > 20, "these sums do not need a second rounding"


def test_evaluate_is_float32_arithmetic(rng: Rng) -> None:
    """What onnxruntime computes: float32(sum) times a float32 scale, rounded half to even."""
    kind = fixed(24, True)
    multiplier, shift = _hard_multipliers(rng, kind.bits, 128, 64)
    sums = _near_ties(rng, kind, multiplier, shift, 200, 2000)
    op = Requantize(fixed(8), 0, 255)
    scale = np.ldexp(multiplier.astype(np.float32), -shift)
    assert scale.dtype == np.float32
    expected = np.clip(np.rint(sums.astype(np.float32) * scale), 0, 255)
    np.testing.assert_array_equal(op.evaluate(sums[:, np.newaxis, np.newaxis], multiplier, shift)[:, 0, 0], expected)


@pytest.mark.parametrize(("bits", "signed", "zero"), [(8, True, -7), (16, False, 1000)])
def test_double_rounding_in_hardware(bits: int, signed: bool, zero: int, rng: Rng, tmp_path: Path) -> None:
    kind, channels, span = fixed(26, True), 22, 1 << bits - 1
    multiplier, shift = _hard_multipliers(rng, kind.bits, span, channels)
    builder = Builder(rng, (16, 8, channels), kind.bits, True)
    builder.requantize_by(fixed(bits, signed, zero), multiplier, shift)
    frames = _near_ties(rng, kind, multiplier, shift, span, 6 * 128).reshape(6, 16, 8, channels)
    graph = builder.graph()
    op = graph.nodes[0].op
    assert isinstance(op, Requantize)
    expected = _reference(op, frames.reshape(-1, channels), multiplier, shift)
    np.testing.assert_array_equal(graph.evaluate(frames)["requantize0.y"].reshape(-1, channels), expected)
    kernel(graph, Folding(4, 4, (1, 1)), frames, tmp_path)


def test_every_value_of_eight_bits(rng: Rng, tmp_path: Path) -> None:
    """All sums, against multipliers and shifts that tie often: half of all products end in 10...0."""
    channels = 48
    multiplier = np.concatenate([[0, 1, -1, 2, -2, 3, 255, -255], rng.integers(-64, 65, channels - 8)])
    shift = np.concatenate([[0, 1, 1, 2, 3, 3, 9, 9], rng.integers(0, 12, channels - 8)])
    builder = Builder(rng, (16, 16, channels), 8, True)
    builder.requantize_by(fixed(5, True, 3), multiplier, shift, clip=(-14, 15))
    values = np.arange(-128, 128).reshape(16, 16, 1)
    kernel(builder.graph(), Folding(6, 6, (1, 1)), np.stack([values + np.zeros(channels, int)] * 2), tmp_path)


def test_one_rounding_offsets_and_all_shifts(rng: Rng, tmp_path: Path) -> None:
    """17-bit multipliers of either sign, shifts from 0 to 47 side by side, offsets of more than 48 bits."""
    channels = 16
    multiplier = rng.integers(-(1 << 17) + 1, 1 << 17, channels)
    shift = np.concatenate([[0, 47, 1, 46], rng.integers(0, 48, channels - 4)])
    offset = np.rint(rng.uniform(-100, 100, channels) * 2.0**shift).astype(np.int64)
    offset[:2] = 1 << 16, -(1 << 53)
    builder = Builder(rng, (8, 8, channels), 20, True)
    builder.requantize_by(fixed(8, True), multiplier, shift, offset, precision=Precision.FAST)
    frames = builder.frames(4)
    frames[2:] = frames[2:] >> rng.integers(0, 20, (8, 8, channels))
    graph = builder.graph()
    op = graph.nodes[0].op
    assert isinstance(op, Requantize)
    expected = _reference(op, frames.reshape(-1, channels), multiplier, shift, offset)
    np.testing.assert_array_equal(graph.evaluate(frames)["requantize0.y"].reshape(-1, channels), expected)
    kernel(graph, Folding(16, 16, (1, 1)), frames, tmp_path)


def test_products_below_the_binary_point(rng: Rng, tmp_path: Path) -> None:
    """Small products with large shifts: the quotients are -1/2 to 1/2, or nothing at all."""
    builder = Builder(rng, (4, 4, 3), 3, True)
    builder.requantize_by(fixed(8), np.array([3, -3, 1]), np.array([22, 47, 23]))
    kernel(builder.graph(), Folding(3, 3, (1, 1)), builder.frames(3), tmp_path)


@pytest.mark.parametrize("zero", [-128, 127])
def test_a_zero_point_far_from_the_results(zero: int, rng: Rng, tmp_path: Path) -> None:
    """Results of two bits with a zero point of eight: the quotient needs more bits than the result."""
    builder = Builder(rng, (4, 4, 2), 4, True)
    builder.requantize_by(fixed(2, True, zero), np.array([1, 1]), np.array([1, 0]), np.array([-2, -1]) * zero)
    kernel(builder.graph(), Folding(1, 1, (1, 1)), builder.frames(3), tmp_path)
