"""What a graph promises is checked, and the message names what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops import Clip, Dense, Reshape
from rtlnn.passes.rewrite import infer_types, pruned
from rtlnn.passes.runner import run

W = np.arange(6.0).reshape(2, 3)


def _graph() -> Graph:
    nodes = (
        Node("fc", Dense(), ("x", "w"), "y"),
        Node("dead", Clip(0, 1), ("x",), "d"),
        Node("relu", Clip(0, np.inf), ("y",), "z"),
    )
    types = {"x": TensorType((1, 1, 3)), "w": TensorType(W.shape), "u": TensorType((1,))}
    return infer_types(Graph(("x",), ("z",), nodes, types, {"w": W, "u": np.zeros(1)}))


def test_a_right_graph() -> None:
    graph = _graph()
    graph.verify()
    x = np.array([[[[1.0, -2.0, 1.0]]]])
    assert graph.evaluate(x, keep=["y"])["y"].ravel().tolist() == [0.0, 0.0]
    assert graph.producer("y") == graph.nodes[0]
    assert [n.name for n in graph.users("x")] == ["fc", "dead"]


def test_pruning_drops_what_no_output_needs() -> None:
    graph = pruned(_graph())
    assert [n.name for n in graph.nodes] == ["fc", "relu"]
    assert set(graph.types) == {"x", "w", "y", "z"}
    assert set(graph.constants) == {"w"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: replace(g, nodes=(*g.nodes, replace(g.nodes[0], output="q"))), "two nodes are named 'fc'"),
        (lambda g: replace(g, nodes=g.nodes[::-1]), "'relu' reads .*which no earlier node makes"),
        (lambda g: replace(g, nodes=(*g.nodes, Node("n", Clip(0, 1), ("x",), "y"))), "makes 'y' a second time"),
        (lambda g: replace(g, outputs=("nothing",)), "never made"),
        (lambda g: g.retype({"y": TensorType((1, 1, 9))}), "node 'fc' makes"),
        (lambda g: replace(g, constants={**g.constants, "w": W.T}), "constant 'w' has shape"),
        (
            lambda g: replace(g, nodes=(Node("r", Reshape((1, 1, 4)), ("x",), "y"), *g.nodes[1:])),
            "node 'r': 3 elements",
        ),
    ],
)
def test_a_wrong_graph(change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        change(_graph()).verify()


def test_the_pass_that_breaks_a_graph_is_named() -> None:
    def clumsy(graph: Graph) -> Graph:
        return replace(graph, outputs=("gone",))

    with pytest.raises(ValueError, match=r"after the pass clumsy: outputs \['gone'\]"):
        run(_graph(), (pruned, clumsy))


def test_formats() -> None:
    assert (FixedFormat(8, Encoding.SIGNED).lo, FixedFormat(8, Encoding.SIGNED).hi) == (-128, 127)
    assert (FixedFormat(3, Encoding.UNSIGNED).lo, FixedFormat(3, Encoding.UNSIGNED).hi) == (0, 7)
    assert (FixedFormat(1, Encoding.BIPOLAR).lo, FixedFormat(1, Encoding.BIPOLAR).hi) == (-1, 1)
    with pytest.raises(ValueError, match="one scale"):
        _ = FixedFormat(8, Encoding.SIGNED, (0.1, 0.2)).one_scale
    with pytest.raises(ValueError, match="1 to 48 bits"):
        FixedFormat(49, Encoding.SIGNED)


@pytest.mark.parametrize("lo", [-129, -128, -1, 0, 5])
@pytest.mark.parametrize("hi", [5, 127, 128, 255, 256])
def test_spanning_is_the_narrowest(lo: int, hi: int) -> None:
    kind = FixedFormat.spanning(lo, hi)
    assert kind.lo <= lo
    assert hi <= kind.hi
    if kind.bits > 1:
        narrower = replace(kind, bits=kind.bits - 1)
        assert narrower.lo > lo or narrower.hi < hi


def test_names_never_repeat() -> None:
    names = Names({"a", "a_2"})
    assert [names("a"), names("a"), names("b")] == ["a_3", "a_4", "b"]
