"""Whole chains as a build makes them: guard, width converters, kernels of different speeds, each holding up others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ops import Precision, Window
from rtlnn.plan.folding import Folding
from tests.hardware import chain
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator
Case = tuple[Callable[[Rng], Builder], list[Folding]]


def _classifier(rng: Rng) -> Builder:
    return (
        Builder(rng, (8, 7, 3))
        .conv(6, Window((3, 3), pads=(1, 1, 1, 1)))
        .requantize()
        .max_pool(Window((2, 2), (2, 2)))
        .flatten()
        .dense(5)
        .requantize(8, True, -5)
    )


def _wide_pool(rng: Rng) -> Builder:
    """Sums pass a pool and a reshape before they are requantized, which then stands alone; then once more."""
    return (
        Builder(rng, (4, 6, 2), 5, True)
        .conv(3, Window((2, 2)))
        .max_pool(Window((2, 2), (1, 2)))
        .flatten()
        .requantize(7, True)
        .requantize(4, precision=Precision.FAST, scale=0.13)
    )


def _padding_apart(rng: Rng) -> Builder:
    """Values 2 and 3 of a format whose zero is -128: padding needs bits that the values do not."""
    return (
        Builder(rng, (3, 3, 2), 2)
        .requantize_by(fixed(8, True, -128), np.array([1, 1]), np.array([0, 0]), np.array([129, 129]), clip=(2, 3))
        .max_pool(Window((2, 1)))
        .conv(2, Window((3, 3), pads=(1, 1, 1, 1)), w_bits=3)
        .requantize()
    )


CASES: dict[str, Case] = {
    "the first layer is slow": (_classifier, [Folding(1, 1, (1, 1)), Folding(3, 3, (2, 2)), Folding(5, 8, (1, 1))]),
    "the last layer is slow": (
        _classifier,
        [Folding(6, 3, (3, 3), slots=2), Folding(2, 2, (1, 2), rows=2, slots=1), Folding(1, 1, (1, 1), slots=1)],
    ),
    "sums through a pool": (
        _wide_pool,
        [Folding(2, 1, (1, 2)), Folding(3, 3, (1, 1)), Folding(2, 2, (1, 1)), Folding(3, 3, (1, 1))],
    ),
    "padding apart from the values": (
        _padding_apart,
        [Folding(1, 1, (1, 1)), Folding(2, 2, (1, 1)), Folding(2, 2, (1, 1))],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_") for name in CASES])
def test_bits_and_cycles(case: Case, rng: Rng, tmp_path: Path) -> None:
    make, foldings = case
    builder = make(rng)
    chain(builder.graph(), foldings, builder.frames(6), tmp_path)
