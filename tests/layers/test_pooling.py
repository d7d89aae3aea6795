"""Pooling kernels: maxima and averages, padded, of every kind of value."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ops import AveragePool2D, Window
from rtlnn.plan.folding import Folding
from tests.hardware import kernel
from tests.integer_graphs import Builder

Rng = np.random.Generator
Case = tuple[Callable[[Rng], Builder], Folding]

CASES: dict[str, Case] = {
    "maximum of signed values, padded, alone": (
        lambda rng: Builder(rng, (5, 7, 5), 6, True).max_pool(Window((3, 2), (2, 1), (1, 1, 2, 0))),
        Folding(2, 2, (3, 1)),
    ),
    "maximum of unsigned values, padded, requantized by channel": (
        lambda rng: Builder(rng, (4, 4, 3)).max_pool(Window((2, 2), (1, 1), (1, 1, 1, 1))).requantize(5, True, -2),
        Folding(3, 3, (1, 2), slots=1),
    ),
    "maximum of wide sums": (
        lambda rng: Builder(rng, (4, 3, 4), 23, True).max_pool(Window((2, 3), (2, 1))).requantize(),
        Folding(1, 1, (2, 3)),
    ),
    "average by position, of values with a zero point": (
        lambda rng: Builder(rng, (5, 4, 3), 8, True, -77).average_pool(Window((3, 3), (2, 1), (1, 1, 2, 2))),
        Folding(2, 2, (1, 3)),
    ),
    "average by position, one row, requantized": (
        lambda rng: (
            Builder(rng, (1, 5, 3), 8, False, 9).average_pool(Window((1, 3), (1, 2), (0, 1, 0, 1))).requantize()
        ),
        Folding(2, 2, (1, 1)),
    ),
    "average that counts its padding": (
        lambda rng: (
            Builder(rng, (4, 3, 2), 4, True, 3)
            .average_pool(Window((2, 2), (1, 1), (1, 1, 1, 1)), count_include_pad=True)
            .requantize(8, True, scale=0.75)
        ),
        Folding(1, 1, (2, 2)),
    ),
    "maximum, dilated, hanging over the edge": (
        lambda rng: Builder(rng, (5, 6, 3), 6, True).max_pool(Window((2, 3), (2, 2), (1, 0, 0, 2), (3, 2))),
        Folding(2, 2, (1, 3)),
    ),
    "average, dilated, of which not all padding counts": (
        lambda rng: (
            Builder(rng, (4, 5, 2), 5, zero=3)
            .add(AveragePool2D(Window((2, 2), (2, 1), (1, 0, 2, 1), (2, 3)), (1, 0, 1, 0), 3), "pool")
            .requantize(8, True, scale=0.2)
        ),
        Folding(1, 1, (1, 1)),
    ),
    "average of the whole image": (
        lambda rng: Builder(rng, (3, 5, 7), 8, False, 255).average_pool(Window((3, 5))).requantize(8, scale=-0.1),
        Folding(7, 7, (1, 1)),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_") for name in CASES])
def test_bits_and_cycles(case: Case, rng: Rng, tmp_path: Path) -> None:
    make, folding = case
    builder = make(rng)
    kernel(builder.graph(), folding, builder.frames(5), tmp_path)
