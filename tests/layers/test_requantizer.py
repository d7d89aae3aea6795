"""Requantization: hardware, `Requantize.evaluate`, exact fractions and float32 arithmetic give the same integers."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.product_config import ProductBody
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.ops import Precision, Requantize
from rtlnn.sim.stream_run import NO_STALLS, Stalls
from tests.integer_graphs import fixed
from tests.requantizer_bench import Job, run

Rng = np.random.Generator
MANTISSA = 24
COUNT = 4000
"""Sums for each requantizer."""


def _half_even(value: Fraction, unit: Fraction) -> Fraction:
    """The multiple of `unit` next to `value`; Python rounds fractions half to even."""
    return round(value / unit) * unit


def _exact(acc: int, multiplier: int, shift: int, offset: int | None, op: Requantize) -> int:
    """The definition in the words of real numbers: one rounding or two, then the clip."""
    number = Fraction(acc * multiplier)
    if offset is not None:
        number += offset
    elif op.precision is Precision.EXACT and number:
        exponent = abs(acc * multiplier).bit_length()
        number = _half_even(number, Fraction(2) ** (exponent - MANTISSA)) if exponent > MANTISSA else number
    return min(max(round(number / 2**shift) + op.output.zero_point, op.lo), op.hi)


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


def _job(
    rng: Rng,
    sums: FixedFormat,
    op: Requantize,
    multiplier: Array,
    shift: Array,
    offset: Array | None = None,
    arithmetic: Arithmetic = Arithmetic.DSP48E2,
    biased: bool = True,
    given: Array | None = None,
) -> tuple[Job, Array]:
    """A requantizer for these channels with sums next to ties, a random bias for each, and what it has to deliver."""
    config = RequantizeConfig(
        1, sums.bits, sums.signed, biased,
        0 if (multiplier == 1).all() and offset is None else _bits(multiplier), 0 if offset is None else _bits(offset),
        int(shift.min()), int(shift.max()), op.output.bits, op.output.signed, op.output.zero_point, op.lo, op.hi,
        op.precision is Precision.EXACT and offset is None, arithmetic,
    )  # fmt: skip
    channels = len(multiplier)
    bias = rng.integers(sums.lo, sums.hi + 1, channels) if biased else np.zeros(channels, np.int64)
    wanted = _near_ties(rng, sums, multiplier, shift, 1 << op.output.bits - 1, COUNT // channels)
    if given is not None:
        wanted = np.resize(given, wanted.shape)
    expected = _reference(op, wanted, multiplier, shift, offset)
    extra = () if offset is None else (offset,)
    evaluated = op.evaluate(wanted[:, np.newaxis, np.newaxis], multiplier, shift, *extra)[:, 0, 0]
    np.testing.assert_array_equal(evaluated, expected)
    columns = (bias, multiplier, np.zeros(channels, np.int64) if offset is None else offset, shift)
    # the accumulator may have wrapped around before the bias is added
    job = Job(config, (wanted - bias).ravel(), *(np.resize(c, wanted.shape).ravel() for c in columns))
    return job, expected.ravel() & (1 << op.output.bits) - 1


def _bits(values: Array) -> int:
    return int(np.maximum(values, ~values).max()).bit_length() + 1


def _check(jobs: list[tuple[Job, Array]], folder: Path, stalls: Stalls = NO_STALLS) -> None:
    for n, (result, (job, expected)) in enumerate(zip(run([j for j, _ in jobs], folder, stalls), jobs, strict=True)):
        np.testing.assert_array_equal(result, expected, f"job {n}: {job.config}")


BYTE, RELU, SIGNED = fixed(8), Requantize(fixed(8, False, 3), 3, 250), Requantize(fixed(8, True, -7), -128, 127)
FAST = replace(SIGNED, precision=Precision.FAST)
SLICES = Arithmetic.DSP48E2, Arithmetic.GENERIC


def test_double_rounding_in_hardware(rng: Rng, tmp_path: Path) -> None:
    jobs, differing = [], 0
    wide = Requantize(fixed(16, True, 1000), -30000, 32767)
    for (sums, op), arithmetic in product(((27, SIGNED), (24, RELU), (18, SIGNED), (26, wide)), SLICES):
        multiplier, shift = _hard_multipliers(rng, sums, 1 << op.output.bits - 1, 40)
        job, expected = _job(rng, fixed(sums, True), op, multiplier, shift, arithmetic=arithmetic)
        once = replace(op, precision=Precision.FAST)
        single = once.evaluate((job.sums + job.bias).reshape(-1, 1, 1, 40), multiplier, shift).ravel()
        differing += np.count_nonzero(single & (1 << op.output.bits) - 1 != expected)
        if arithmetic is Arithmetic.DSP48E2:
            assert job.config.product.body is (ProductBody.NARROW if sums == 18 else ProductBody.CASCADE)
        jobs.append((job, expected))
    assert differing > 20, "these sums do not need a second rounding"
    _check(jobs, tmp_path, Stalls(0.3))


def test_every_body_of_the_product(rng: Rng, tmp_path: Path) -> None:
    """Signed and unsigned sums, with and without a bias; shifts that fit the multiplier, and shifts that do not."""
    full, half = (rng.integers(1 << bits - 1, 1 << bits, 20) * rng.choice([1, -1], 20) for bits in (24, 17))
    full[:2], half[:2] = ((1 << 24) - 1, 1 - (1 << 24)), ((1 << 17) - 1, 1 - (1 << 17))
    ones = np.ones(20, np.int64)
    cases = {
        ProductBody.CASCADE: [
            (24, True, full, (30, 40), True),
            (22, False, full, (33, 36), True),
            (27, True, full, (35, 35), False),
            (26, False, full, (20, 47), False),
        ],
        ProductBody.NARROW: [
            (17, False, full, (33, 36), True),
            (8, False, full, (24, 26), False),
            (8, True, half, (0, 20), True),
        ],
        ProductBody.WIDE: [
            (24, True, half, (31, 34), True),
            (26, False, half, (20, 37), True),
            (20, True, half, (29, 29), False),
        ],
        ProductBody.INFERRED: [(30, True, full, (44, 47), True)],
        ProductBody.SHIFT: [(26, True, ones, (0, 19), True), (8, False, ones, (2, 2), False)],
    }
    jobs = []
    for body, rows in cases.items():
        for bits, is_signed, multiplier, (lo, hi), biased in rows:
            shift = rng.integers(lo, hi + 1, 20)
            shift[:2] = lo, hi
            op = FAST if len(jobs) % 2 else SIGNED
            jobs.append(_job(rng, fixed(bits, is_signed), op, multiplier, shift, biased=biased))
            assert jobs[-1][0].config.product.body is body
    _check(jobs, tmp_path)


def test_every_value_of_eight_bits(rng: Rng, tmp_path: Path) -> None:
    """All sums, against multipliers and shifts that tie often: half of all products end in 10...0."""
    multiplier = np.concatenate([[0, 1, -1, 2, -2, 3, 255, -255], rng.integers(-64, 65, 8)])
    shift = np.concatenate([[0, 1, 1, 2, 3, 3, 9, 9], rng.integers(0, 12, 8)])
    op, every = Requantize(fixed(5, True, 3), -14, 15), np.arange(-128, 128).repeat(16)
    jobs = [_job(rng, fixed(8, True), op, multiplier, shift, None, a, given=every) for a in SLICES]
    job, expected = jobs[0]
    wrong = replace(job, bias=job.bias ^ 1), expected
    with pytest.raises(AssertionError, match="job 2"):
        _check([*jobs, wrong], tmp_path)


def test_offsets_and_all_shifts(rng: Rng, tmp_path: Path) -> None:
    """Offsets of any size, and shifts from 0 to 47 side by side: one slice, two slices, none."""
    jobs = []
    for bits, most, arithmetic in ((20, 47, SLICES[0]), (20, 30, SLICES[0]), (8, 20, SLICES[0]), (20, 47, SLICES[1])):
        multiplier = rng.integers(-(1 << 17) + 1, 1 << 17, 20)
        shift = np.concatenate([[0, most, 1, most - 1], rng.integers(0, most + 1, 16)])
        offset = np.rint(rng.uniform(-100, 100, 20) * 2.0**shift).astype(np.int64)
        offset[:2] = 1 << 16, -(1 << most + 6)
        given = rng.integers(-(1 << bits - 1), 1 << bits - 1, COUNT) >> rng.integers(0, bits, COUNT)
        biased = len(jobs) != 2
        jobs.append(_job(rng, fixed(bits, True), FAST, multiplier, shift, offset, arithmetic, biased, given))
    assert [job.config.product.body.name for job, _ in jobs] == ["CASCADE", "WIDE", "NARROW", "INFERRED"]
    _check(jobs, tmp_path)


def test_results_that_are_hardly_there(rng: Rng, tmp_path: Path) -> None:
    """Quotients of -1/2 to 1/2 or nothing at all; two bits with a zero point of eight; bounds that leave one value."""
    small = np.array([3, -3, 1, 2]), np.array([22, 47, 23, 24])
    jobs = [_job(rng, fixed(3, True), Requantize(BYTE, 0, 255), *small, arithmetic=a, biased=False) for a in SLICES]
    for zero in (-128, 127):
        op, scale = Requantize(fixed(2, True, zero), -2, 1), (np.array([1, 1]), np.array([1, 0]))
        jobs += [_job(rng, fixed(4, True), op, *scale, np.array([-2, -1]) * zero, a) for a in SLICES]
    jobs.append(_job(rng, fixed(20, True), Requantize(fixed(8, False, 9), 9, 9), np.array([7, -5]), np.array([9, 12])))
    jobs.append(
        _job(rng, fixed(20, True), Requantize(fixed(8, False, 9), 20, 30), np.array([7, -5]), np.array([9, 12]))
    )
    _check(jobs, tmp_path)


def test_latencies() -> None:
    """Cycles from sums to results: they are what a network's latency is made of."""
    exact = RequantizeConfig(1, 24, True, True, 25, 0, 33, 36, 8, True, 0, -128, 127, True, Arithmetic.DSP48E2)
    assert exact.latency == 7
    assert replace(exact, acc_bits=18, shift_lo=36).latency == 6
    assert replace(exact, acc_bits=18, shift_lo=36, biased=False).latency == 5
    assert replace(exact, multiplier_bits=18, float32=False, shift_lo=36).latency == 6
    assert replace(exact, multiplier_bits=0, shift_lo=36).latency == 3
