"""Random chains, random foldings: the wide net behind the chosen cases."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.layers.window import PIXELS
from rtlnn.ops import Precision, Window
from rtlnn.passes.pool_first import pool_first
from rtlnn.passes.ranges import narrow
from rtlnn.plan.candidates import candidates
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task, tasks_of
from tests.hardware import chain
from tests.integer_graphs import Builder

pytestmark = pytest.mark.slow
Rng = np.random.Generator


def _window(rng: Rng, height: int, width: int) -> Window:
    """A window for any layer: pads smaller than the kernel, a kernel that fits."""
    kernel = tuple(int(rng.integers(1, min(size, 4) + 1)) for size in (height, width))
    top, bottom = (int(v) for v in rng.integers(0, kernel[0], 2))
    left, right = (int(v) for v in rng.integers(0, kernel[1], 2))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    return Window((kernel[0], kernel[1]), stride, (top, left, bottom, right))


def _extend(builder: Builder, rng: Rng) -> None:
    """One more layer."""
    height, width, channels = builder.types[builder.value].shape
    small = builder.format.bits <= 9
    match rng.integers(4):
        case 0 if small:
            builder.conv(int(rng.integers(1, 6)), _window(rng, height, width), int(rng.integers(2, 9)))
        case 1 if small and channels * height * width < 60:
            builder.flatten().dense(int(rng.integers(1, 6)))
        case 2 if small:
            builder.average_pool(_window(rng, height, width), bool(rng.integers(2)))
        case _:
            builder.max_pool(_window(rng, height, width))
    if builder.format.bits > 20 or rng.random() < 0.7:
        bits, signed = int(rng.integers(2, 10)), bool(rng.integers(2))
        zero = int(rng.integers(-(1 << bits - 1), 1 << bits - 1)) if signed else int(rng.integers(0, 1 << bits))
        precision = Precision.EXACT if rng.random() < 0.7 else Precision.FAST
        offset = rng.integers(-(1 << 30), 1 << 30, builder.channels) if rng.random() < 0.2 else None
        builder.requantize(bits, signed, zero, precision, offset=offset)


def _folding(rng: Rng, task: Task) -> Folding:
    found = list(candidates(task))
    folding = found[int(rng.integers(len(found)))]
    slots = None if rng.random() < 0.5 else int(rng.integers(1, 4))
    whole = folding.lanes == task.input.shape[2]
    return replace(folding, slots=slots, pixels=int(rng.choice(PIXELS)) if whole and rng.random() < 0.5 else None)


@pytest.mark.parametrize("number", range(30))
def test_bits_and_cycles(number: int, rng: Rng, tmp_path: Path) -> None:
    bits, signed = int(rng.integers(2, 9)), bool(rng.integers(2))
    zero = int(rng.integers(-(1 << bits - 1), 1 << bits - 1)) if signed else int(rng.integers(0, 1 << bits))
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 9)), int(rng.integers(1, 6)))
    builder = Builder(rng, shape, bits, signed, zero)
    for _ in range(int(rng.integers(2, 5))):
        _extend(builder, rng)
    if builder.format.bits > 32:
        builder.requantize()
    graph = narrow(pool_first(builder.graph()))
    foldings = [_folding(rng, task) for task in tasks_of(graph, pools=True)]
    print(graph.nodes, foldings)
    chain(graph, foldings, builder.frames(5), tmp_path)
