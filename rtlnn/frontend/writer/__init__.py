"""A graph as an ONNX model again: NCHW, with the original model's inputs and outputs."""

import numpy as np
import onnx
from onnx import helper

from rtlnn.frontend.importer import ImportedModel
from rtlnn.frontend.tensors import View
from rtlnn.frontend.writer.nodes import write_node
from rtlnn.frontend.writer.tensors import OnnxGraph
from rtlnn.ir.graph import Graph
from rtlnn.ir.names import Names

__all__ = ["write_model"]

OPSET, IR_VERSION = 17, 8
WIDE_OPSET, WIDE_IR_VERSION = 21, 10
"""The first that quantize to 16 bits."""

_WIDE = (onnx.TensorProto.INT16, onnx.TensorProto.UINT16)


def _renamed(onnx_graph: OnnxGraph, old: str, new: str) -> None:
    """Give the tensor `old` another name wherever it occurs."""
    for node in onnx_graph.nodes:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new


def write_model(model: ImportedModel, graph: Graph) -> onnx.ModelProto:
    """The ONNX model that computes `graph`, which has the inputs and outputs of `model`.

    The same graph gives the same bytes. Raises `InputError` if the graph has no form in ONNX.
    """
    made = OnnxGraph(graph, Names(port.name for port in (*model.inputs, *model.outputs)))
    for value, source in zip(graph.inputs, model.inputs, strict=True):
        made.views[value] = View(source.name, source.order[np.newaxis] if source.batch_axis else source.order)
    for node in graph.nodes:
        write_node(made, node)
    for value, result in zip(graph.outputs, model.outputs, strict=True):
        last = made.in_order(value, result.order, result.batch_axis)
        if graph.outputs.count(value) > 1 or value in graph.inputs:
            made.emit("Identity", made.names(f"{result.name}_copy"), [last.value], result.name)
        else:
            _renamed(made, last.value, result.name)
            made.views[value] = View(result.name, last.index)
    inputs, outputs = (
        [
            helper.make_tensor_value_info(
                port.name,
                helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype)),
                [model.batch, *port.shape] if port.batch_axis else port.shape,
            )
            for port in ports
        ]
        for ports in (model.inputs, model.outputs)
    )
    wide = any(stored.data_type in _WIDE for stored in made.initializers)
    written = helper.make_model(
        helper.make_graph(made.nodes, model.name, inputs, outputs, made.initializers),
        opset_imports=[helper.make_opsetid("", WIDE_OPSET if wide else OPSET)],
        producer_name="rtlnn",
        ir_version=WIDE_IR_VERSION if wide else IR_VERSION,
    )
    onnx.checker.check_model(written, full_check=True)
    return written
