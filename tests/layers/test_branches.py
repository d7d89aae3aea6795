"""Forks, joins and concatenations as a build makes them: bits, cycles, stalls, resets, depths of queues."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.ops import Extreme, Multiply, Precision, Window
from rtlnn.plan.folding import Folding
from tests.hardware import branches
from tests.integer_graphs import Builder

Rng = np.random.Generator
SAME = Window((3, 3), pads=(1, 1, 1, 1))
FAST = Precision.FAST
Case = tuple[Builder, Sequence[Folding | int]]


def _factors(rng: Rng, channels: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    top = (1 << bits - 1) - 1
    a, b = rng.integers(-top, top + 1, (2, channels))
    a[0], b[0] = top, -top
    return a, b


def _long_skip(rng: Rng) -> Case:
    """The short branch waits for two rows of the long one."""
    builder = Builder(rng, (7, 6, 2), 5).conv(2, Window((5, 5), pads=(2, 2, 2, 2))).requantize(4, signed=True, zero=3)
    builder.plus("x", _factors(rng, 2, 9))
    return builder.requantize(precision=FAST), [Folding(2, 2, (5, 5)), 2]


def _three_users(rng: Rng) -> Case:
    """A fork to two layers and to what joins them; the same value twice in one join."""
    builder = Builder(rng, (4, 5, 3), zero=7).conv(3, SAME).requantize()
    middle = builder.value
    builder.conv(3, Window((1, 1))).requantize(zero=100).plus(middle).requantize(zero=2, precision=FAST)
    left = builder.value
    builder.at(middle).max_pool(SAME).plus(left).requantize(precision=FAST)
    return builder.plus(builder.value), [Folding(3, 3, (3, 3)), Folding(1, 3, (1, 1)), 1, Folding(2, 2, (3, 1)), 3, 2]


def _diamonds(rng: Rng) -> Case:
    """A diamond in a diamond, of unlike speeds."""
    builder = Builder(rng, (4, 4, 2)).max_pool(Window((2, 2)))
    outer = builder.value
    builder.conv(2, SAME).requantize(6)
    inner = builder.value
    builder.conv(2, Window((1, 1))).requantize(6).plus(inner).requantize(precision=FAST)
    sizes = [Folding(1, 1, (2, 1)), Folding(2, 1, (3, 3)), Folding(1, 1, (1, 1)), 2, 1]
    return builder.plus(outer, _factors(rng, 2, 17)).requantize(scale=1e-3), sizes


def _channels(lanes: int) -> Callable[[Rng], Case]:
    def case(rng: Rng) -> Case:
        builder = Builder(rng, (3, 4, 3)).conv(5, Window((1, 1))).requantize(6)
        first = builder.value
        builder.at("x").conv(2, SAME).requantize(6)
        second = builder.value
        builder.at("x").conv(7, Window((1, 1))).requantize(6).concat(second, first)
        return builder.conv(2, Window((1, 1))).requantize(), [
            Folding(5, 3, (1, 1)), Folding(2, 3, (3, 3)), Folding(7, 1, (1, 1)), lanes, Folding(1, 2, (1, 1))
        ]  # fmt: skip

    return case


def _rows_and_columns(rng: Rng) -> Case:
    """Three images one below the other; then these beside themselves."""
    builder = Builder(rng, (4, 3, 5), 4, True, -2).max_pool(SAME)
    first = builder.value
    builder.at("x").max_pool(Window((2, 1))).concat(first, "x", axis=0)
    return builder.concat(builder.value, axis=1), [Folding(2, 2, (3, 3)), Folding(5, 5, (1, 1)), 3, 2]


def _product(rng: Rng) -> Case:
    builder = Builder(rng, (3, 3, 4), signed=True, zero=-5).max_pool(SAME)
    builder.add(Multiply((-5, -5)), "multiply", "x").requantize(zero=9, precision=FAST)
    other = builder.value
    builder.at("x").max_pool(Window((1, 1))).requantize(zero=9, scale=1.0)
    return builder.add(Extreme(False), "least", other).add(Extreme(True), "most", other), [
        Folding(4, 4, (3, 3)), 4, Folding(1, 1, (1, 1)), 2, 1
    ]  # fmt: skip


CASES = {
    "long_skip": (_long_skip, Arithmetic.DSP48E2),
    "three_users": (_three_users, Arithmetic.GENERIC),
    "diamonds": (_diamonds, Arithmetic.GENERIC),
    "channels_1": (_channels(1), Arithmetic.GENERIC),
    "channels_at_once": (_channels(14), Arithmetic.DSP48E2),
    "rows_and_columns": (_rows_and_columns, Arithmetic.GENERIC),
    "product": (_product, Arithmetic.DSP48E1),
}


@pytest.mark.parametrize("name", CASES)
def test_bits_and_cycles(name: str, rng: Rng, tmp_path: Path) -> None:
    case, arithmetic = CASES[name]
    builder, sizes = case(rng)
    branches(builder.graph(narrowed=False), sizes, builder.frames(5), tmp_path, arithmetic)
