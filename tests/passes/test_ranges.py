"""Formats hold every value that can occur, and are no wider than needed."""

from dataclasses import replace

import numpy as np
import pytest

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import (
    Add,
    ArgMax,
    AveragePool2D,
    Concat,
    Conv2D,
    Dense,
    Extreme,
    MaxPool2D,
    Multiply,
    Op,
    Rearrange,
    Requantize,
    Reshape,
    Table,
    Window,
)
from rtlnn.passes.intervals import analyse
from rtlnn.passes.ranges import narrow
from rtlnn.passes.rewrite import infer_types

Rng = np.random.Generator
S8 = FixedFormat(8, Encoding.SIGNED, 0.1, -3)
U8 = FixedFormat(8, Encoding.UNSIGNED, 0.1)


def _graph(kind: TensorType, *steps: tuple[Op, tuple[np.ndarray, ...]]) -> Graph:
    nodes, constants, types, value = [], {}, {"x": kind}, "x"
    for i, (op, parameters) in enumerate(steps):
        names = tuple(f"c{i}_{j}" for j in range(len(parameters)))
        for name, array in zip(names, parameters, strict=True):
            constants[name] = array.astype(np.int64)
            types[name] = TensorType(array.shape, FixedFormat(32, Encoding.SIGNED))
        nodes.append(Node(f"n{i}", op, (value, *names), f"v{i}"))
        value = f"v{i}"
    return infer_types(Graph(("x",), (value,), tuple(nodes), types, constants))


def _weights(rng: Rng, *shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape)


def test_dense_bounds_are_reached(rng: Rng) -> None:
    w, b = _weights(rng, 5, 12), rng.integers(-900, 900, 5)
    graph = _graph(TensorType((1, 1, 12), S8), (Dense(x_zero=-3), (w, b)))
    bounds = analyse(graph)["v0"]
    worst = np.where(w > 0, 127, -128).reshape(5, 1, 1, 12)
    np.testing.assert_array_equal(np.diag(graph.evaluate(worst)["v0"][:, 0, 0]), bounds.hi)
    best = np.where(w > 0, -128, 127).reshape(5, 1, 1, 12)
    np.testing.assert_array_equal(np.diag(graph.evaluate(best)["v0"][:, 0, 0]), bounds.lo)


def _network(rng: Rng, fixed: FixedFormat) -> Graph:
    zero = fixed.zero_point
    y = FixedFormat(8, Encoding.SIGNED, 0.2, -60)
    multiplier, shift = rng.integers(1 << 23, 1 << 24, 4) * np.array([1, -1, 1, -1]), np.full(4, 31)
    return _graph(
        TensorType((6, 6, 3), fixed),
        (Conv2D(Window((3, 3), (1, 1), (1, 1, 0, 0)), zero), (_weights(rng, 4, 3, 3, 3), _weights(rng, 4))),
        (Requantize(y, -60, 100), (multiplier, shift)),
        (MaxPool2D(Window((2, 2))), ()),
        (AveragePool2D(Window((3, 3), (1, 1), (1, 0, 0, 0)), x_zero=-60), ()),
        (Requantize(y, -128, 127), (multiplier, shift, np.full(4, 1 << 33))),
        (MaxPool2D(Window((1, 1))), ()),
    )


@pytest.mark.parametrize("fixed", [S8, U8], ids=["int8", "uint8"])
def test_no_value_leaves_its_format(fixed: FixedFormat, rng: Rng) -> None:
    graph = _network(rng, fixed)
    narrowed = narrow(graph)
    narrowed.verify()
    x = np.concatenate(
        [
            rng.integers(fixed.lo, fixed.hi + 1, (200, 6, 6, 3)),
            rng.choice([fixed.lo, fixed.hi], (200, 6, 6, 3)),
            np.full((1, 6, 6, 3), fixed.lo),
            np.full((1, 6, 6, 3), fixed.hi),
        ]
    )
    values = [n.output for n in graph.nodes]
    before, after = graph.evaluate(x, keep=values), narrowed.evaluate(x, keep=values)
    bounds = analyse(graph)
    for v in values:
        np.testing.assert_array_equal(before[v], after[v])
        kind = narrowed.types[v].fixed
        assert kind.bits <= graph.types[v].fixed.bits
        assert kind.lo <= before[v].min()
        assert before[v].max() <= kind.hi
        assert (before[v] >= bounds[v].lo).all()
        assert (before[v] <= bounds[v].hi).all()


def test_accumulators_are_as_wide_as_the_weights_need() -> None:
    graph = _graph(TensorType((1, 1, 4), U8), (Dense(), (np.array([[1, 1, 1, 1], [0, 0, 0, 1]]),)))
    kind = narrow(graph).types["v0"].fixed
    assert (kind.bits, kind.encoding) == (10, Encoding.UNSIGNED)


def test_requantized_values_take_the_bits_of_their_bounds() -> None:
    op = Requantize(FixedFormat(8, Encoding.SIGNED, 0.1), 0, 100)
    one = np.array([1]), np.array([0])
    graph = _graph(TensorType((1, 1, 1), S8), (op, one), (MaxPool2D(Window((1, 1))), ()))
    narrowed = narrow(graph)
    assert narrowed.types["v0"].fixed == FixedFormat(7, Encoding.UNSIGNED, 0.1)
    assert narrowed.nodes[0].op == replace(op, output=FixedFormat(7, Encoding.UNSIGNED, 0.1))


def test_padding_that_no_value_reaches_keeps_its_place(rng: Rng) -> None:
    clipped = Requantize(FixedFormat(8, Encoding.SIGNED, 0.1, -128), 2, 3)
    one = np.array([1]), np.array([0])
    pool, conv = MaxPool2D(Window((1, 1))), Conv2D(Window((3, 3), (1, 1), (0, 0, 1, 0)), -128)
    graph = _graph(TensorType((3, 3, 1), S8), (clipped, one), (pool, ()), (conv, (_weights(rng, 2, 3, 3, 1),)))
    for v in ("v0", "v1"):
        assert narrow(graph).types[v].fixed.lo == -128


@pytest.mark.parametrize(("pads", "lo"), [((0, 0, -1, 0), 0), ((0, 0, -1, 1), -128)])
def test_pads_that_only_crop_need_no_bits(pads: tuple[int, int, int, int], lo: int, rng: Rng) -> None:
    clipped = Requantize(FixedFormat(8, Encoding.SIGNED, 0.1, -128), 2, 3)
    conv = Conv2D(Window((2, 2), pads=pads), -128)
    one = np.array([1]), np.array([0])
    graph = _graph(TensorType((3, 3, 1), S8), (clipped, one), (conv, (_weights(rng, 2, 2, 2, 1),)))
    assert narrow(graph).types["v0"].fixed.lo == lo


def test_reshape_spreads_or_joins_channels() -> None:
    w = np.array([[1], [2]])
    conv = (Conv2D(Window((1, 1))), (w.reshape(2, 1, 1, 1),))
    for shape, hi in (((1, 1, 8), [255, 510] * 4), ((4, 2, 1), [510]), ((1, 4, 2), [255, 510])):
        graph = _graph(TensorType((2, 2, 1), U8), conv, (Reshape(shape), ()))
        assert analyse(graph)["v1"].hi.tolist() == hi


def _joined(rng: Rng, op: Op, *factors: np.ndarray) -> Graph:
    """Two tables of the input, joined by `op`."""
    graph = _graph(TensorType((2, 3, 4), U8), (Table(S8, 0), (rng.integers(-90, 60, 256),)))
    nodes = [*graph.nodes, Node("n1", Table(S8, 0), ("x", "c1"), "v1")]
    constants, types = dict(graph.constants), dict(graph.types)
    more = {"c1": rng.integers(-40, 100, 256), **{f"m{n}": factor for n, factor in enumerate(factors)}}
    for name, array in more.items():
        constants[name], types[name] = array, TensorType(array.shape, FixedFormat(16, Encoding.SIGNED))
    nodes.append(Node("join", op, ("v0", "v1", *(f"m{n}" for n in range(len(factors)))), "y"))
    return infer_types(Graph(("x",), ("y",), tuple(nodes), types, constants))


@pytest.mark.parametrize(
    "op",
    [Add((-3, 5)), Multiply((7, -2)), Extreme(True), Extreme(False), Concat(0), Concat(2)],
    ids=lambda op: f"{type(op).__name__}_{op}",
)
def test_joins_hold_what_comes(op: Op, rng: Rng) -> None:
    factors = [_weights(rng, 4) for _ in range(2)] if isinstance(op, Add) else []
    graph = narrow(_joined(rng, op, *factors))
    graph.verify()
    x = np.arange(256).repeat(24).reshape(256, 2, 3, 4)
    seen = graph.evaluate(x, keep=graph.types)
    for value in ("v0", "v1", "y"):
        fixed = graph.types[value].fixed
        assert fixed.lo <= seen[value].min() <= seen[value].max() <= fixed.hi
    if isinstance(op, (Extreme, Concat)):
        assert graph.types["v0"].format == graph.types["v1"].format == graph.types["y"].format


def test_what_is_moved_keeps_its_format(rng: Rng) -> None:
    table = rng.integers(0, 4, 256)
    flipped = Rearrange((4, 0), (-1, 2, 0), (1, 0), fill=-9)
    graph = narrow(_graph(TensorType((2, 2, 2), U8), (Table(S8, 0), (table,)), (flipped, ()), (ArgMax(), ())))
    assert graph.types["v0"].fixed == graph.types["v1"].fixed == FixedFormat(5, Encoding.SIGNED, 0.1, -3)
    assert graph.types["v2"].fixed == FixedFormat(1, Encoding.UNSIGNED)


def test_each_channel_has_its_own_part_of_a_table(rng: Rng) -> None:
    rows = np.stack([np.arange(256), np.full(256, 7)])
    graph = _graph(TensorType((1, 1, 2), U8), (Table(FixedFormat(16, Encoding.SIGNED), 0), (rows,)))
    bounds = analyse(graph)["v0"]
    assert (bounds.lo.tolist(), bounds.hi.tolist()) == ([0, 7], [255, 7])
