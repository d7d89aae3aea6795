"""Requantizations to few levels become comparisons, and stay the same function."""

import numpy as np
import pytest

from rtlnn.ops import Requantize, Thresholds, Window
from rtlnn.passes.compare_few import compare_few
from tests.integer_graphs import Builder

Rng = np.random.Generator


def _graph(
    rng: Rng, bits: int, signed: bool, scale: float | None = None, clip: tuple[int, int] | None = None
) -> Builder:
    builder = Builder(rng, (3, 3, 4), 5, True).conv(6, Window((2, 2)), 3, bias=rng.integers(-20, 21, 6))
    sign = rng.choice([-1, 1], 6)
    spread = (1 << bits) / np.abs(builder.samples).mean() / 2
    scales = sign * (np.full(6, scale) if scale else rng.uniform(0.3, 3, 6) * spread)
    scales[2] = 0 if scale is None else scales[2]
    return builder.requantize(bits, signed, 1 if signed else 0, clip=clip, scale=scales)


@pytest.mark.parametrize(
    ("bits", "signed", "clip"), [(1, False, None), (2, True, None), (2, True, (-1, 1)), (4, False, None)]
)
def test_the_same_function(bits: int, signed: bool, clip: tuple[int, int] | None, rng: Rng) -> None:
    builder = _graph(rng, bits, signed, clip=clip)
    graph = builder.graph()
    compared = compare_few(graph)
    compared.verify()
    assert isinstance(compared.nodes[-1].op, Thresholds)
    frames = builder.frames(200)
    (output,) = graph.outputs
    np.testing.assert_array_equal(compared.evaluate(frames)[output], graph.evaluate(frames)[output])


@pytest.mark.parametrize(("bits", "scale"), [(5, None), (3, 0.125)])
def test_many_levels_and_shifts_stay(bits: int, scale: float | None, rng: Rng) -> None:
    graph = compare_few(_graph(rng, bits, True, scale).graph())
    assert isinstance(graph.nodes[-1].op, Requantize)


def test_a_wrong_threshold_is_seen(rng: Rng) -> None:
    builder = _graph(rng, 2, False)
    graph = builder.graph()
    compared = compare_few(graph)
    name = compared.nodes[-1].inputs[1]
    compared.constants[name][1, 0] += 15  # type: ignore[index]
    frames = builder.frames(200)
    (output,) = graph.outputs
    assert (compared.evaluate(frames)[output] != graph.evaluate(frames)[output]).any()
