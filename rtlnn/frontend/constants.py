"""Nodes whose inputs are all known are computed during import, by ONNX's own reference implementation."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.tensors import Constant, QuantizedConstant, Tensor
from rtlnn.ir.types import Array

__all__ = ["fold"]


def _array(tensor: Tensor | None) -> Array:
    if isinstance(tensor, Constant):
        return tensor.array
    assert isinstance(tensor, QuantizedConstant)
    return tensor.real()


def fold(proto: onnx.NodeProto, inputs: tuple[Tensor | None, ...], opset: int) -> Constant:
    """The first output of a node whose inputs are known."""
    feeds = {name: _array(t) for name, t in zip(proto.input, inputs, strict=True) if name}
    infos = [
        onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in feeds.items()
    ]
    output = onnx.ValueInfoProto(name=proto.output[0])
    graph = onnx.helper.make_graph([proto], "constant", infos, [output])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        (result,) = ReferenceEvaluator(model).run(None, feeds)
    except Exception as error:  # the evaluator runs code of every operator there is, each with errors of its own
        raise Unsupported(
            f"its inputs are constant, but it cannot be computed ({error})", "simplify the model before exporting"
        ) from error
    return Constant(proto.output[0], np.asarray(result))
