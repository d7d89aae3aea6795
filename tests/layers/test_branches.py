"""Forks, joins and concatenations as a build makes them: bits, cycles, stalls, resets."""

from pathlib import Path

import numpy as np

from rtlnn.ops import Precision, Window
from rtlnn.plan.folding import Folding
from tests.hardware import branches
from tests.integer_graphs import Builder

Rng = np.random.Generator
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def test_a_skip_over_a_convolution(rng: Rng, tmp_path: Path) -> None:
    builder = Builder(rng, (6, 5, 3)).conv(3, SAME).requantize(signed=True)
    graph = builder.plus("x").requantize(precision=Precision.FAST).graph(narrowed=False)
    branches(graph, [Folding(3, 3, (3, 3)), 3], builder.frames(4), tmp_path)
