"""Operators that only move elements: imported, they compute what onnxruntime does, and leave few nodes."""

import numpy as np
import pytest
from onnx import helper

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.ops import Rearrange
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator
IMAGE = ("N", 4, 6, 8)


def _ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def _agrees(m: Model, rng: Rng) -> int:
    """Whether a model computes what onnxruntime does; returns how often it rearranges."""
    proto = m.build()
    model = import_model(proto)
    x = rng.standard_normal((3, *model.input.shape)).astype(np.float32)
    np.testing.assert_allclose(evaluate(model, x), run(proto, x), rtol=1e-4, atol=1e-5)
    return sum(isinstance(n.op, Rearrange) for n in model.graph.nodes)


MOVES: dict[str, tuple[int, str, list[np.ndarray | str], dict[str, object]]] = {
    "slice": (17, "Slice", [_ints(1, -3), _ints(100, -1), _ints(2, 1)], {}),
    "slice backwards": (17, "Slice", [_ints(-1, 3), _ints(-100, 0), _ints(3, 1), _ints(-2, -1)], {}),
    "slice of opset 9": (9, "Slice", [], {"starts": [1, 2], "ends": [3, 6], "axes": [1, 3]}),
    "gather": (17, "Gather", [_ints(3, 0, 0)], {"axis": 1}),
    "pad": (17, "Pad", [_ints(0, 1, 2, 0, 0, 0, 1, 3)], {}),
    "pad and crop": (17, "Pad", [_ints(0, 0, -1, 2, 0, 0, 1, -3), np.array(1.5, np.float32)], {}),
    "pad of opset 10": (10, "Pad", [], {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "value": -2.0}),
    "pad with axes": (18, "Pad", [_ints(1, 2), np.array(0, np.float32), _ints(3)], {}),
    "reflect": (17, "Pad", [_ints(0, 0, 3, 2, 0, 0, 1, 4)], {"mode": "reflect"}),
    "edge": (17, "Pad", [_ints(0, 0, 3, 2, 0, 0, 1, 4)], {"mode": "edge"}),
    "depth to space": (17, "DepthToSpace", [], {"blocksize": 2}),
    "depth to space by columns": (17, "DepthToSpace", [], {"blocksize": 2, "mode": "CRD"}),
    "space to depth": (17, "SpaceToDepth", [], {"blocksize": 2}),
    "transpose": (17, "Transpose", [], {"perm": [0, 1, 3, 2]}),
    "rotate": (17, "Transpose", [], {"perm": [0, 2, 3, 1]}),
    "tile": (17, "Tile", [_ints(1, 2, 1, 3)], {}),
    "expand": (17, "Expand", [_ints(1, 4, 6, 8)], {}),
    "resize": (17, "Resize", ["", np.array([1, 1, 2, 3], np.float32)],
               {"coordinate_transformation_mode": "asymmetric"}),
    "resize, half pixels": (17, "Resize", ["", np.array([1, 1, 2, 2], np.float32)], {}),
    "resize to sizes": (17, "Resize", ["", "", _ints(1, 4, 9, 5)], {"nearest_mode": "floor"}),
    "resize, corners": (17, "Resize", ["", np.array([1, 1, 2, 2], np.float32)],
                        {"coordinate_transformation_mode": "align_corners", "nearest_mode": "ceil"}),
    "resize of opset 10": (10, "Resize", [np.array([1, 1, 2, 2], np.float32)], {}),
    "upsample": (9, "Upsample", [np.array([1, 1, 2, 3], np.float32)], {}),
    "upsample of opset 8": (8, "Upsample", [], {"scales": [1.0, 1.0, 2.0, 2.0]}),
}  # fmt: skip


@pytest.mark.parametrize("case", MOVES)
def test_moves(case: str, rng: Rng) -> None:
    opset, operator, inputs, attributes = MOVES[case]
    # sizes name the number of frames, too
    m = Model((1, *IMAGE[1:]) if case == "resize to sizes" else IMAGE, opset=opset).add("Relu")
    assert _agrees(m.add(operator, *inputs, **attributes).add("Sigmoid"), rng) <= 1


def test_moves_between_convolutions(rng: Rng) -> None:
    m = Model(IMAGE).add("Conv", rng.standard_normal((4, 4, 3, 3)).astype(np.float32))
    m.add("Pad", _ints(0, 0, 1, 1, 0, 0, 1, 1)).add("Slice", _ints(1), _ints(7), _ints(3))
    m.add("Transpose", perm=[0, 1, 3, 2]).add("Conv", rng.standard_normal((2, 4, 2, 3)).astype(np.float32))
    assert _agrees(m, rng) == 1


def test_channel_shuffle(rng: Rng) -> None:
    m = Model(IMAGE).add("Conv", rng.standard_normal((6, 4, 1, 1)).astype(np.float32))
    m.add("Reshape", _ints(-1, 2, 3, 6, 8)).add("Transpose", perm=[0, 2, 1, 3, 4]).add("Reshape", _ints(-1, 6, 6, 8))
    assert _agrees(m.add("Conv", rng.standard_normal((2, 6, 3, 3)).astype(np.float32)), rng) == 1


def test_an_order_that_no_three_tables_tell(rng: Rng) -> None:
    order = _ints(*rng.permutation(4 * 6 * 8))
    m = Model(IMAGE).add("Relu").add("Flatten").add("Gather", order, axis=1).add("Reshape", _ints(-1, 4, 6, 8))
    assert _agrees(m.add("Conv", rng.standard_normal((2, 4, 3, 3)).astype(np.float32)), rng) == 1


def test_two_fills_stay_apart(rng: Rng) -> None:
    pads = _ints(0, 0, 1, 1, 0, 0, 1, 1)
    m = Model(IMAGE).add("Relu").add("Pad", pads, np.array(3, np.float32)).add("Pad", pads, np.array(-1, np.float32))
    assert _agrees(m.add("Sigmoid"), rng) == 2


def test_parts_of_a_split_go_their_ways(rng: Rng) -> None:
    m = Model(IMAGE).add("Relu")
    m.nodes.append(helper.make_node("Split", [m.last], ["a", "b"], name="split", axis=1))
    m.last = "b"
    assert _agrees(m.add("Sub", "<", "a").add("Relu"), rng) == 2


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "words"),
    [
        ("Resize", ["", np.array([1, 1, 2, 2], np.float32)], {"mode": "linear"}, "mode is 'linear'"),
        ("Slice", [_ints(0), _ints(0), _ints(2)], {}, "leave something of it"),
        ("Tile", [_ints(2, 1, 1, 1)], {}, "keep one frame"),
        ("Pad", [_ints(1, 0, 0, 0, 0, 0, 0, 0)], {}, "adds frames"),
    ],
)
def test_what_is_refused(
    operator: str, inputs: list[np.ndarray | str], attributes: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        import_model(Model(IMAGE).add("Relu").add(operator, *inputs, **attributes).build())
