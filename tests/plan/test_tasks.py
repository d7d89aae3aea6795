"""Operations are grouped into the kernels that a chain needs, and into no others."""

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ops import Window
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator


def _summary(graph: Graph) -> list[tuple[str, str, bool]]:
    return [(task.name, task.kind, task.requantize is not None) for task in tasks_of(graph)]


def test_a_requantization_joins_the_layer_before_it(rng: Rng) -> None:
    graph = Builder(rng, (4, 4, 2)).conv(3, Window((2, 2))).requantize().max_pool(Window((3, 3))).flatten().dense(2)
    assert _summary(graph.graph()) == [
        ("conv0", "Conv2D", True),
        ("pool2", "MaxPool2D", False),
        ("dense4", "Dense", False),
    ]


def test_a_requantization_stands_alone_at_the_start_after_another_and_after_a_reshape(rng: Rng) -> None:
    graph = Builder(rng, (2, 2, 2)).requantize().requantize().conv(2, Window((2, 2))).flatten().requantize()
    names = [("requantize0", True), ("requantize1", True), ("conv2", False), ("requantize4", True)]
    assert [(n, r) for n, _, r in _summary(graph.graph())] == names


def test_a_pool_between_sums_and_their_requantization_takes_it(rng: Rng) -> None:
    graph = Builder(rng, (2, 2, 2)).conv(2, Window((1, 1))).max_pool(Window((2, 2))).requantize()
    assert _summary(graph.graph()) == [("conv0", "Conv2D", False), ("pool1", "MaxPool2D", True)]


def _sums(task: Task, x: np.ndarray) -> np.ndarray:
    """What a kernel computes before its bias: products of the integers as they are."""
    weights = task.weights
    assert weights is not None
    return np.einsum("nhwc,ohwc->no", x, weights)


@pytest.mark.parametrize("zero", [0, 7, -128])
def test_the_bias_takes_the_zero_point_away(zero: int, rng: Rng) -> None:
    builder = Builder(rng, (2, 3, 4), 8, zero < 0, zero).conv(5, Window((2, 3)))
    (task,) = tasks_of(builder.graph())
    x = builder.frames(3)
    expected = builder.graph().evaluate(x)["conv0.y"][:, 0, 0]
    np.testing.assert_array_equal(_sums(task, x) + task.bias, expected)
    assert task.macs == 2 * 3 * 4 * 5


def test_parameters_that_are_all_the_same(rng: Rng) -> None:
    builder = Builder(rng, (2, 2, 3)).average_pool(Window((2, 2))).requantize(scale=0.3)
    assert tasks_of(builder.graph())[0].parameters.uniform
    builder = Builder(rng, (2, 2, 3)).average_pool(Window((2, 2))).requantize(scale=np.array([0.3, 0.3, -0.3]))
    assert not tasks_of(builder.graph())[0].parameters.uniform


def test_weights_take_the_bits_that_they_need(rng: Rng) -> None:
    for weights, bits in (([-1, 0], 1), ([0, 1], 2), ([-4, 3], 3), ([0, 0], 1), ([-128, 127], 8)):
        builder = Builder(rng, (1, 1, 2)).dense(1, weights=np.array([weights]))
        assert tasks_of(builder.graph())[0].weight_format.bits == bits
    with pytest.raises(TypeError, match="pool0 has no weights"):
        _ = tasks_of(Builder(rng, (2, 2, 1)).max_pool(Window((2, 2))).graph())[0].weight_format


def test_branches(rng: Rng) -> None:
    """Sums that two layers read stay sums; a value behind a reshape is the one before it."""
    builder = Builder(rng, (4, 4, 2)).conv(2, Window((1, 1)))
    sums = builder.value
    builder.requantize().flatten()
    flat = builder.value
    builder.dense(3).requantize().at(flat).dense(3).requantize()
    first, second = builder.nodes[4].output, builder.value
    found = tasks_of(builder.plus(first).requantize().at(sums).max_pool(Window((2, 2))).graph(second, narrowed=False))
    told = [(t.name, t.sources, t.result, t.requantize is not None) for t in found]
    assert told == [
        ("conv0", ("x",), "conv0.y", False),
        ("requantize1", ("conv0.y",), "requantize1.y", True),
        ("dense3", ("requantize1.y",), "requantize4.y", True),
        ("dense5", ("requantize1.y",), "requantize6.y", True),
        ("add7", ("requantize6.y", "requantize4.y"), "requantize8.y", True),
        ("pool9", ("conv0.y",), "pool9.y", False),
    ]


def test_a_model_without_layers_is_refused(rng: Rng) -> None:
    with pytest.raises(InputError, match="nothing to compute"):
        tasks_of(Builder(rng, (4, 4, 1)).flatten().graph())
