"""Tiles of positions: pools of sums, several columns at once, and input beats of several pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ops import Window
from rtlnn.passes.pool_first import pool_first
from rtlnn.passes.ranges import narrow
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.schedule import schedule
from rtlnn.plan.tasks import tasks_of
from tests.hardware import Design, stages_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
HALF = Window((2, 2), (2, 2))


def _pooled(builder: Builder, pool: Window = HALF) -> Builder:
    return builder.requantize().max_pool(pool)


CASES: dict[str, tuple[Callable[[Rng], Builder], Folding]] = {
    "pool one by one, padded, a row and a column that no pool reads": (
        lambda rng: _pooled(Builder(rng, (5, 7, 3), zero=9).conv(5, Window((3, 3), pads=(1, 1, 1, 1)))),
        Folding(2, 2, (1, 1)),
    ),
    "pool rows at once, kernel rows one by one": (
        lambda rng: _pooled(Builder(rng, (6, 6, 2)).conv(3, Window((3, 2)))),
        Folding(3, 2, (1, 2), positions=(2, 1)),
    ),
    "pool at once, kernel at once, four pixels a beat": (
        lambda rng: _pooled(Builder(rng, (6, 10, 3), 7).conv(4, Window((3, 3)))),
        Folding(4, 3, (3, 3), positions=(2, 2), pixels=4),
    ),
    "pool columns at once, least buffers": (
        lambda rng: _pooled(Builder(rng, (7, 8, 2), 8, True).conv(4, Window((2, 3), (1, 2))), Window((3, 1), (4, 2))),
        Folding(2, 1, (2, 1), positions=(1, 1), rows=4, slots=1),
    ),
    "pool of strided windows, padded, two pixels of five a beat": (
        lambda rng: _pooled(Builder(rng, (9, 5, 3), zero=200).conv(3, Window((3, 2), (2, 1), (1, 1, 1, 1)))),
        Folding(3, 3, (3, 1), positions=(2, 2), pixels=2),
    ),
    "columns at once": (
        lambda rng: Builder(rng, (4, 6, 2)).conv(3, Window((3, 3), pads=(1, 1, 1, 1))).requantize(signed=True),
        Folding(3, 1, (3, 3), positions=(1, 3)),
    ),
    "columns at once, strided, kernel one by one, eight pixels of nine a beat": (
        lambda rng: Builder(rng, (3, 9, 2), 4).conv(2, Window((2, 3), (1, 2))).requantize(),
        Folding(2, 2, (1, 1), positions=(1, 4), pixels=8),
    ),
    "a window in pieces that divide nothing": (
        lambda rng: Builder(rng, (5, 4, 5), zero=3).conv(3, Window((3, 3), pads=(0, 1, 1, 0))).requantize(),
        Folding(2, 2, (3, 3), split=4),
    ),
    "pools of windows in pieces": (
        lambda rng: _pooled(Builder(rng, (7, 6, 1)).conv(4, Window((5, 5), pads=(1, 2, 2, 2)))),
        Folding(4, 1, (5, 5), positions=(1, 2), split=7, pixels=2),
    ),
    "columns of a pool at once": (
        lambda rng: Builder(rng, (6, 8, 3)).max_pool(Window((3, 2), (1, 2), (1, 0, 1, 0))),
        Folding(3, 3, (3, 1), positions=(1, 2), pixels=4),
    ),
    "pixels a beat beyond what is read": (
        lambda rng: Builder(rng, (5, 3, 1)).conv(2, Window((1, 1), (2, 2))).requantize(),
        Folding(1, 1, (1, 1), pixels=8),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_").replace(",", "") for name in CASES])
def test_bits_and_cycles(case: tuple[Callable[[Rng], Builder], Folding], rng: Rng, tmp_path: Path) -> None:
    make, folding = case
    builder = make(rng)
    frames, raw = builder.frames(5), builder.graph()
    graph = narrow(pool_first(raw))
    (stage,) = stages_of(graph, [folding])
    design = Design.of([stage], tmp_path)
    design.check(frames, raw.evaluate(frames)[raw.outputs[0]], timing=[stage.layer])


@pytest.mark.parametrize("positions", [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_a_pool_costs_no_cycle(positions: tuple[int, int], rng: Rng) -> None:
    """Interval = max(input beats, positions computed x fold): a pool computes no position that it drops."""
    builder = _pooled(Builder(rng, (9, 9, 2)).conv(4, Window((3, 3))))
    (task,) = tasks_of(narrow(pool_first(builder.graph())), pools=True)
    candidate = Candidate(task, Folding(4, 2, (3, 3), positions=positions, pixels=4))
    cycles = 36 // (positions[0] * positions[1])
    assert candidate.window.cycles == cycles
    assert schedule([candidate.kernel]).interval == max(cycles, 9 * 3)
