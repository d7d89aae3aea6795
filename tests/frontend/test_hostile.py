"""Hostile and damaged models: a clean result or a clear error, soon, and in little memory."""

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rtlnn.checking import check_model
from rtlnn.errors import InputError
from tests.mutations import mutated
from tests.onnx_models import Model

SECONDS = 30
"""In each of which no model may take longer; most take milliseconds."""


def _model(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray] | None = None, *shape: int) -> onnx.ModelProto:
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape or None) for n in ("x", "y")]
    if not shape:
        ports[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4))
    stored = [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(nodes, "hostile", ports[:1], ports[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _node(operator: str, inputs: str, output: str = "y", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], name=f"the_{operator}", **attributes)


def _chain(operator: str, count: int, *more: str) -> list[onnx.NodeProto]:
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    return [helper.make_node(operator, [a, *more], [b]) for a, b in pairwise(names)]


def _bomb(depth: int) -> onnx.ModelProto:
    """Functions that each call the one before twice."""
    model = _model([helper.make_node(f"f{depth}", ["x"], ["y"], domain="mine")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model.opset_import.append(opsets[1])
    for i in range(depth + 1):
        domain, name = ("mine", f"f{i - 1}") if i else ("", "Relu")
        body = [helper.make_node(name, [a], [b], domain=domain) for a, b in (("a", "b"), ("b", "c"))]
        model.functions.append(helper.make_function("mine", f"f{i}", ["a"], ["c"], body, opsets))
    return model


WEIGHTS = np.ones((1, 4, 3, 3), np.float32)
CASES: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "cycle": (
        lambda: _model([_node("Add", "x b", "a"), _node("Relu", "a", "b"), _node("Identity", "b")]),
        "Add 'the_Add' reads 'b', which it or a later node makes",
    ),
    "itself": (lambda: _model([_node("Relu", "y")]), "reads 'y', which it or a later node makes"),
    "dangling name": (lambda: _model([_node("Relu", "nowhere")]), "reads 'nowhere', which nothing makes"),
    "no output": (lambda: _model([_node("Relu", "x", "z")]), "the output 'y' is made by nothing"),
    "made twice": (lambda: _model([_node("Relu", "x"), _node("Relu", "x")]), "makes 'y', which exists already"),
    "huge input": (lambda: _model([_node("Relu", "x")], None, 1, 3, 100000, 100000), "at most 67,108,864 elements"),
    "overflowing input": (lambda: _model([_node("Relu", "x")], None, 1, 2**62, 2**62), "at most 67,108,864 elements"),
    "huge pads": (
        lambda: _model([_node("Conv", "x w", pads=[10**9] * 4)], {"w": WEIGHTS}, 1, 4, 4, 4),
        r"its pads are \(1000000000, .* at most 65,536",
    ),
    "large pads": (
        lambda: _model([_node("Conv", "x w", pads=[60000] * 4)], {"w": WEIGHTS}, 1, 4, 4, 4),
        "more than 67,108,864 elements",
    ),
    "huge resize": (
        lambda: _model([_node("Resize", "x e s")], {"e": np.zeros(0, np.float32), "s": np.float32([1, 1, 1e6, 1e6])},
                       1, 1, 4, 4),
        "makes a tensor of more than 67,108,864 elements",
    ),
    "huge constant": (
        lambda: _model([_node("ConstantOfShape", "s", "c"), _node("Add", "x c")], {"s": np.array([10**6, 10**6])}),
        "makes a tensor of more than",
    ),
    "no groups": (lambda: _model([_node("Conv", "x w", group=0)], {"w": WEIGHTS}, 1, 4, 4, 4), "0 groups"),
    "no blocks": (lambda: _model([_node("DepthToSpace", "x", blocksize=0)], None, 1, 4, 4, 4), "cannot be right"),
    "million nodes": (lambda: _model(_chain("Identity", 60_000)), "has 60,000 nodes; rtlnn reads networks of 10,000"),
    "long chain": (lambda: _model(_chain("Add", 3000, "c"), {"c": np.ones(4, np.float32)}), "nothing to build"),
    "bomb": (lambda: _bomb(40), "has more than 10,000 nodes"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hostile_model(case: str) -> None:
    make, message = CASES[case]
    model = make()
    start = time.monotonic()
    try:
        check = check_model(model)
    except InputError as error:
        found = str(error)
    else:
        assert not check.buildable
        found = "\n".join([*map(str, check.refusals), *check.problems])
    assert re.search(message, found), found
    assert time.monotonic() - start < SECONDS


def _victims(rng: np.random.Generator) -> list[onnx.ModelProto]:
    floats = Model(("N", 2, 8, 8)).add("Conv", rng.standard_normal((4, 2, 3, 3)).astype(np.float32), pads=[1] * 4)
    floats.add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).add("Reshape", np.array([0, -1]))
    floats.add("Gemm", rng.standard_normal((3, 64)).astype(np.float32), transB=1).add("Softmax")
    codes = Model(("N", 4, 6, 6)).qdq(0.1, 3)
    codes.add("Conv", codes.integers(rng.integers(-9, 9, (4, 4, 3, 3), np.int8), 0.1)).add("Relu").qdq(0.2, -128)
    codes.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).qdq(0.2, -128).add("Transpose", perm=[0, 2, 3, 1])
    return [floats.build(["N", 3]), codes.build(["N", 2, 2, 4])]


def test_damaged_copies(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "damaged.onnx"
    refused = accepted = 0
    for model in _victims(rng):
        for _ in range(60):
            path.write_bytes(mutated(model, rng))
            try:
                accepted += check_model(path).buildable
            except InputError:
                refused += 1
    assert refused > 20
    assert accepted > 10
