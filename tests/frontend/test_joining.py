"""Operators on several tensors: imported, they compute what onnxruntime does."""

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.ops import Concat, Rearrange
from tests.onnx_models import evaluate_all, run_all

Rng = np.random.Generator


def graph(
    inputs: dict[str, tuple[int | str, ...]],
    nodes: list[tuple[str, list[str], dict[str, object]]],
    constants: dict[str, np.ndarray] | None = None,
    opset: int = 17,
) -> ModelProto:
    """A model whose nodes make y0, y1...; what no node reads is its output."""
    made = [helper.make_node(kind, ins, [f"y{i}"], name=f"n{i}", **more) for i, (kind, ins, more) in enumerate(nodes)]
    read = {v for n in made for v in n.input}
    proto = helper.make_graph(
        made,
        "joined",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [
            helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, None)
            for i in range(len(made))
            if f"y{i}" not in read
        ],
        [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
    )
    return helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def agrees(proto: ModelProto, rng: Rng, frames: int = 3) -> None:
    model = import_model(proto)
    data = [rng.standard_normal((frames, *p.shape)).astype(np.float32) for p in model.inputs]
    for ours, theirs in zip(evaluate_all(model, data), run_all(proto, data), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


IMAGE = ("N", 3, 4, 5)


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"])
@pytest.mark.parametrize("other", [IMAGE, ("N", 3, 1, 1), ("N", 1, 4, 5), ("N", 1, 1, 1)])
def test_of_two(operator: str, other: tuple[int | str, ...], rng: Rng) -> None:
    agrees(graph({"a": IMAGE, "b": other}, [(operator, ["a", "b"], {})]), rng)
    agrees(graph({"a": IMAGE, "b": other}, [(operator, ["b", "a"], {})]), rng)


@pytest.mark.parametrize("operator", ["Max", "Min", "Sum", "Mean"])
def test_of_many_and_constants(operator: str, rng: Rng) -> None:
    inputs = dict.fromkeys("abc", ("N", 6))
    agrees(graph(inputs, [(operator, ["a", "k", "b", "c"], {})], {"k": np.array([[0.25]], np.float32)}), rng)
    agrees(graph({"a": ("N", 6)}, [(operator, ["a"], {})]), rng)


def test_operands_that_lie_otherwise(rng: Rng) -> None:
    nodes = [("Transpose", ["b"], {"perm": [0, 1, 3, 2]}), ("Add", ["a", "y0"], {}), ("Relu", ["y1"], {})]
    agrees(graph({"a": IMAGE, "b": ("N", 3, 5, 4)}, nodes), rng)


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
@pytest.mark.parametrize("last", [False, True])
def test_concat_of_images(axis: int, last: bool, rng: Rng) -> None:
    shapes = {n: list(IMAGE) for n in "abc"}
    shapes["b"][axis] = 2
    nodes: list[tuple[str, list[str], dict[str, object]]] = [("Concat", ["a", "b", "c"], {"axis": axis})]
    if last:
        nodes.append(("Transpose", ["y0"], {"perm": [0, 2, 3, 1]}))
    proto = graph({n: tuple(s) for n, s in shapes.items()}, [*nodes, ("Relu", [f"y{last:d}"], {})])
    agrees(proto, rng)
    assert not any(isinstance(n.op, Rearrange) for n in import_model(proto).graph.nodes)


def test_concat_of_vectors_in_any_order(rng: Rng) -> None:
    nodes = [
        ("Flatten", ["a"], {}),
        ("Concat", ["y0", "b"], {"axis": -1}),
        ("Gemm", ["y1", "w"], {}),
    ]
    w = rng.standard_normal((64, 2)).astype(np.float32)
    agrees(graph({"a": IMAGE, "b": ("N", 4)}, nodes, {"w": w}), rng)


def test_parts_of_one_value_need_no_join(rng: Rng) -> None:
    proto = graph({"x": IMAGE}, [("Split", ["x"], {"axis": 1}), ("Concat", ["p2", "p0", "p1"], {"axis": 1})])
    del proto.graph.node[0].output[:]
    proto.graph.node[0].output.extend(["p0", "p1", "p2"])
    del proto.graph.output[0]
    agrees(proto, rng)
    assert not any(isinstance(n.op, Concat) for n in import_model(proto).graph.nodes)


def test_squeeze_and_excite(rng: Rng) -> None:
    nodes = [("GlobalAveragePool", ["x"], {}), ("Sigmoid", ["y0"], {}), ("Mul", ["x", "y1"], {})]
    agrees(graph({"x": IMAGE}, nodes), rng)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([("Add", ["a", "b"], {})], r"data of the shapes \(1, 3, 4, 5\) and \(1, 2, 4, 5\) meet"),
        ([("Concat", ["a", "b"], {"axis": 0})], "it joins frames"),
        ([("Concat", ["a", "k"], {"axis": 1})], "joins data with constants"),
        ([("Max", ["a", "k"], {})], "a constant for each element"),
        ([("Div", ["a", "b"], {})], "divides by data"),
    ],
)
def test_what_cannot_be_joined(nodes: list[tuple[str, list[str], dict[str, object]]], words: str, rng: Rng) -> None:
    k = rng.standard_normal((1, 3, 1, 1)).astype(np.float32)
    with pytest.raises(InputError, match=words):
        import_model(graph({"a": IMAGE, "b": ("N", 2, 4, 5)}, nodes, {"k": k}))
