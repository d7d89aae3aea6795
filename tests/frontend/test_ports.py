"""Inputs and outputs that a network can have, and those it cannot."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from tests.onnx_models import Model


def _conv(shape: tuple[int | str | None, ...], **more: int) -> onnx.ModelProto:
    m = Model(shape, **more)
    return m.add("Conv", m.const(np.ones((2, 3, 3, 3), np.float32))).build()


def test_dynamic_batch_is_one_frame() -> None:
    model = import_model(_conv(("batch", 3, 8, 8)))
    assert (model.input.shape, model.output.shape) == ((3, 8, 8), (2, 6, 6))
    assert model.batch == "batch"


@pytest.mark.parametrize("shape", [("N", 3, "h", 8), (None, None, None, None), (1, 3, "h", "w")])
def test_other_dynamic_dimensions_are_to_be_set(shape: tuple[int | str | None, ...]) -> None:
    with pytest.raises(InputError, match=r"unknown shape .*--input-shape x=1,"):
        import_model(_conv(shape))
    assert import_model(_conv(shape), {"x": (1, 3, 9, 8)}).output.shape == (2, 7, 6)


def test_wrong_input_shape_option() -> None:
    proto = _conv(("N", 3, 8, 8))
    with pytest.raises(InputError, match=r"which \(1, 3, 9, 8\) does not fit"):
        import_model(proto, {"x": (1, 3, 9, 8)})
    with pytest.raises(InputError, match=r"no input named 'image'; it has x"):
        import_model(proto, {"image": (1, 3, 8, 8)})


def test_several_inputs_and_outputs(rng: np.random.Generator) -> None:
    proto = _conv(("N", 3, 8, 8))
    proto.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 4]))
    proto.graph.node.append(helper.make_node("Relu", ["mask"], ["limited"]))
    proto.graph.output.append(helper.make_tensor_value_info("limited", TensorProto.FLOAT, None))
    model = import_model(proto)
    assert [p.name for p in model.inputs] == ["x", "mask"]
    assert [p.shape for p in model.outputs] == [(2, 6, 6), (4,)]
    image, mask = rng.standard_normal((2, 8, 8, 3)), rng.standard_normal((2, 1, 1, 4))
    made = model.graph.evaluate(image, mask)
    np.testing.assert_array_equal(made[model.graph.outputs[1]], np.maximum(mask, 0))
    with pytest.raises(InputError, match=r"2 inputs \(x, mask\); this needs one"):
        _ = model.input


def test_initializers_listed_as_inputs_are_none() -> None:
    proto = _conv(("N", 3, 8, 8))
    proto.graph.input.append(helper.make_tensor_value_info("c0", TensorProto.FLOAT, [2, 3, 3, 3]))
    assert import_model(proto).input.name == "x"


def test_type_that_is_no_number() -> None:
    with pytest.raises(InputError, match="has the type bool"):
        import_model(_conv(("N", 3, 8, 8), input_type=TensorProto.BOOL))


def test_output_without_the_input() -> None:
    m = Model(("N", 3))
    m.last = m.const(np.ones((1, 3), np.float32))
    with pytest.raises(InputError, match="does not depend on its input"):
        import_model(m.add("Relu").build())


def test_output_order_is_the_models(rng: np.random.Generator) -> None:
    nchw = import_model(_conv(("N", 3, 8, 8)))
    assert nchw.output.order[1, 0, 0] == 1
    assert nchw.output.order[0, 0, 1] == 2
