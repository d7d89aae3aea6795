"""Softmax in hardware: every bit and cycle."""

from pathlib import Path

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import FixedSoftmax
from rtlnn.plan.schedule import schedule
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from tests.hardware import branches
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator


def _softmax(rng: Rng, shape: tuple[int, int, int], bits: int, scale: float, output: FixedFormat) -> Builder:
    builder = Builder(rng, shape, bits, signed=True)
    kind = TensorType(shape, FixedFormat(bits, Encoding.SIGNED, scale))
    op, table = FixedSoftmax.of(kind, output)
    return builder.add(op, "softmax", t=(table, fixed(int(table.max()).bit_length())))


@pytest.mark.parametrize(
    ("shape", "lanes", "output"),
    [
        ((2, 3, 5), 2, FixedFormat(8, Encoding.UNSIGNED, 1 / 255)),
        ((1, 2, 4), 4, FixedFormat(5, Encoding.SIGNED, 1 / 32, -16)),
    ],
)
def test_bits_and_cycles(
    shape: tuple[int, int, int], lanes: int, output: FixedFormat, rng: Rng, tmp_path: Path
) -> None:
    builder = _softmax(rng, shape, 4, 0.7, output)
    frames = builder.frames(4)
    frames[0], frames[1, ..., 0], frames[1, ..., 1:] = -3, 7, -8
    branches(builder.graph(narrowed=False), [lanes], frames, tmp_path)


def test_the_interval_is_what_the_layer_says(rng: Rng) -> None:
    graph = _softmax(rng, (3, 4, 10), 8, 0.1, FixedFormat(8, Encoding.UNSIGNED, 1 / 255)).graph(narrowed=False)
    for lanes in (1, 5, 10):
        layer = SimpleOption(tasks_of(graph)[0], lanes).layer
        assert schedule([layer]).interval == layer.cycles
