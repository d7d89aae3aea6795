"""Pools in front of requantizations: the same results, and only where they must be."""

from dataclasses import replace

import numpy as np
import pytest

from rtlnn.ir.graph import Graph
from rtlnn.ops import Precision, Window
from rtlnn.passes.crop_unused import crop_unused
from rtlnn.passes.pool_first import pool_first
from rtlnn.passes.ranges import narrow
from rtlnn.passes.runner import run
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator
HALF = Window((2, 2), (2, 2))
SIGNS = np.array([1.0, -1.0, 0.0, -1.0, 1.0])


def _swapped(builder: Builder) -> Graph:
    """The graph after the pass, which computes the same."""
    graph = builder.graph()
    swapped = run(graph, (pool_first, narrow))
    frames = builder.frames(6)
    (result,) = graph.outputs
    np.testing.assert_array_equal(swapped.evaluate(frames)[result], graph.evaluate(frames)[result])
    assert pool_first(swapped).nodes == swapped.nodes
    return swapped


def _order(graph: Graph) -> list[str]:
    return [type(n.op).__name__ for n in graph.nodes]


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("offset", [None, 12345])
def test_multipliers_of_any_sign(precision: Precision, offset: int | None, rng: Rng) -> None:
    """Results that saturate, and multipliers so small that many sums make one result: ties in every window."""
    offsets = None if offset is None else np.arange(-2, 3) * offset
    for size in (1e-4, 3e-3, 0.5):
        builder = Builder(rng, (6, 9, 3), zero=7).conv(5, Window((2, 2)))
        builder.requantize(8, True, -3, precision, (-3, 100), SIGNS * size, offsets).max_pool(Window((2, 3), (2, 3)))
        graph = _swapped(builder)
        assert _order(graph) == ["Conv2D", "MaxPool2D", "Requantize"]
        assert [n.name for n in graph.nodes] == ["conv0", "pool2", "requantize1"]
        assert (graph.constants[graph.nodes[2].inputs[1]] >= 0).all()
        assert "conv0.w" not in graph.constants


def test_positive_multipliers_need_no_new_weights(rng: Rng) -> None:
    builder = Builder(rng, (4, 4, 2)).conv(3, Window((1, 1)), weights=-128).requantize().max_pool(HALF)
    graph = _swapped(builder)
    assert _order(graph) == ["Conv2D", "MaxPool2D", "Requantize"]
    assert graph.nodes[0].inputs[1] == "conv0.w"


def test_weights_without_a_negative(rng: Rng) -> None:
    """-128 where the multiplier is negative stays; where it is positive, it is in nobody's way."""
    weights = np.full((2, 1, 1, 1), 5)
    for channel, order in ((0, ["Conv2D", "Requantize", "MaxPool2D"]), (1, ["Conv2D", "MaxPool2D", "Requantize"])):
        least = weights.copy()
        least[channel] = -128
        builder = Builder(rng, (4, 4, 1)).conv(2, Window((1, 1)), weights=least)
        assert _order(_swapped(builder.requantize(scale=np.array([-0.1, 0.1])).max_pool(HALF))) == order


def test_a_bias_that_has_no_negative_in_its_format(rng: Rng) -> None:
    builder = Builder(rng, (2, 2, 1), 4).conv(1, Window((1, 1)), 4)
    builder.constants["conv0.b"] = np.array([-8])
    builder.types["conv0.b"] = replace(builder.types["conv0.b"], format=fixed(4, True))
    graph = _swapped(builder.requantize_by(fixed(8, True), np.array([-9]), np.array([1])).max_pool(HALF))
    assert graph.types[graph.nodes[0].inputs[2]].fixed.hi >= 8


@pytest.mark.parametrize(
    "window", [Window((3, 3), (2, 2)), Window((2, 2), (2, 1)), Window((2, 2), (2, 2), (0, 0, 1, 0))], ids=str
)
def test_windows_that_overlap_or_read_padding_stay(window: Window, rng: Rng) -> None:
    builder = Builder(rng, (7, 7, 2)).conv(3, Window((2, 2))).requantize().max_pool(window)
    assert _order(_swapped(builder)) == ["Conv2D", "Requantize", "MaxPool2D"]


def test_windows_with_gaps_and_unread_ends(rng: Rng) -> None:
    window = Window((2, 1), (3, 2), (0, 0, -1, -2))
    builder = Builder(rng, (7, 7, 2)).conv(3, Window((2, 2))).requantize().max_pool(window).flatten().dense(2)
    assert _order(_swapped(builder)) == ["Conv2D", "MaxPool2D", "Requantize", "Reshape", "Dense"]


def test_other_readers_of_what_would_vanish(rng: Rng) -> None:
    builder = Builder(rng, (4, 4, 2)).conv(3, Window((1, 1))).requantize().max_pool(HALF)
    for value in ("conv0.y", "requantize1.y"):
        graph = builder.graph()
        graph = replace(graph, outputs=(*graph.outputs, value))
        assert pool_first(graph) is graph


def test_a_task_takes_the_pool(rng: Rng) -> None:
    builder = Builder(rng, (8, 8, 2)).conv(3, Window((3, 3), pads=(1, 0, 0, 0))).requantize().max_pool(HALF)
    builder.conv(4, Window((2, 2))).max_pool(HALF)
    graph = run(builder.graph(), (crop_unused, pool_first, narrow))
    first, second, third = tasks_of(graph, pools=True)
    assert (first.name, first.kind, first.pool) == ("conv0", "Conv2D+MaxPool2D", HALF)
    assert first.requantize is not None
    assert (first.requantize.name, first.parameters.multiplier.shape) == ("requantize1", (3,))
    assert (first.input.shape, first.sums.shape, first.output.shape) == ((8, 8, 2), (6, 6, 3), (3, 3, 3))
    assert first.macs == 6 * 6 * 3 * 9 * 2
    # nothing is requantized behind this pool, so it is a kernel of its own
    assert [(t.kind, t.pool, t.requantize) for t in (second, third)] == [
        ("Conv2D", None, None),
        ("MaxPool2D", None, None),
    ]
    assert [t.kind for t in tasks_of(graph)] == ["Conv2D", "MaxPool2D", "Conv2D", "MaxPool2D"]
