"""Random branching networks of integers, in random foldings: what schedules are tested with."""

import numpy as np

from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import candidates
from rtlnn.plan.option import Option
from rtlnn.plan.simple import options_of
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

__all__ = ["POINT", "SAME", "folded", "random_assembly"]

SAME = Window((3, 3), pads=(1, 1, 1, 1))
POINT = Window((1, 1))


def _block(builder: Builder, rng: np.random.Generator) -> None:
    """A residual block, an inception block, or a chain of concatenations."""
    x, kind = builder.value, rng.integers(3)
    if kind == 0:
        for _ in range(int(rng.integers(1, 3))):
            builder.conv(builder.channels, SAME if rng.random() < 0.6 else POINT).requantize()
        builder.plus(x).requantize()
    elif kind == 1:
        parts = []
        for window in (POINT, SAME, Window((5, 5), pads=(2, 2, 2, 2)))[: rng.integers(2, 4)]:
            parts.append(builder.at(x).conv(int(rng.integers(1, 4)), window).requantize().value)
        builder.concat(*parts[:-1])
    else:
        for _ in range(int(rng.integers(1, 4))):
            before = builder.value
            builder.conv(2, SAME).requantize().concat(before)


def random_assembly(rng: np.random.Generator, blocks: int = 2) -> tuple[Assembly, list[Option]]:
    """The layers of a random network of some branches, each in any of its foldings."""
    builder = Builder(rng, (int(rng.integers(4, 7)), int(rng.integers(4, 7)), int(rng.integers(1, 4))))
    builder.conv(2, SAME).requantize()
    for _ in range(blocks):
        _block(builder, rng)
    return folded(builder.max_pool(Window((2, 2), (2, 2))).graph(narrowed=False), rng)


def folded(graph: Graph, rng: np.random.Generator) -> tuple[Assembly, list[Option]]:
    """The layers of a graph, each in any of its foldings."""
    tasks = tasks_of(graph, pools=True)
    options: list[Option] = []
    for task in tasks:
        if task.is_kernel:
            foldings = list(candidates(task))
            options.append(Candidate(task, foldings[rng.integers(len(foldings))], Arithmetic.GENERIC))
        else:
            found = options_of(task, Arithmetic.GENERIC)
            options.append(found[rng.integers(len(found))])
    return Assembly(graph, tasks), options
