"""Small ONNX models for tests, and onnxruntime in the mode that the integer network equals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from rtlnn.frontend import ImportedModel

OPSET = 17


@dataclass
class Model:
    """A chain of nodes in the making. Each method appends one and remembers its output as the next one's input."""

    input_shape: Sequence[int | str | None]
    input_type: int = TensorProto.FLOAT
    opset: int = OPSET
    last: str = "x"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: dict[str, np.ndarray] = field(default_factory=dict)

    def const(self, array: Any, name: str = "") -> str:
        name = name or f"c{len(self.stored)}"
        self.stored[name] = np.asarray(array)
        return name

    def add(
        self, operator: str, *inputs: str | np.ndarray, domain: str = "", name: str | None = None, **attributes: Any
    ) -> "Model":
        """Append a node. Its inputs follow the previous node's output, unless "<" says where that goes."""
        names = [i if isinstance(i, str) else self.const(i) for i in inputs]
        places = [self.last if i == "<" else i for i in names] if "<" in names else [self.last, *names]
        label = f"{operator.lower()}{len(self.nodes)}" if name is None else name
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, places, [output], name=label, domain=domain, **attributes))
        self.last = output
        return self

    def quantize(self, scale: float, zero: int, dtype: str = "int8") -> "Model":
        """QuantizeLinear with its own scale and zero point."""
        return self.add("QuantizeLinear", self.const(np.float32(scale)), self.const(np.asarray(zero, dtype)), name=None)

    def dequantize(self, scale: float, zero: int, dtype: str = "int8") -> "Model":
        return self.add("DequantizeLinear", self.const(np.float32(scale)), self.const(np.asarray(zero, dtype)))

    def qdq(self, scale: float, zero: int, dtype: str = "int8") -> "Model":
        return self.quantize(scale, zero, dtype).dequantize(scale, zero, dtype)

    def integers(self, array: np.ndarray, scale: Any, axis: int = 0) -> str:
        """A constant behind a DequantizeLinear; returns the real tensor's name."""
        scale = np.asarray(scale, np.float32)
        zero = np.zeros(scale.shape, array.dtype)
        output = f"w{len(self.stored)}"
        inputs = [self.const(array), self.const(scale), self.const(zero)]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [output], name=output, axis=axis))
        return output

    def build(
        self, output_shape: Sequence[int | str] | None = None, output_type: int = TensorProto.FLOAT
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info("x", self.input_type, self.input_shape)],
            [helper.make_tensor_value_info(self.last, output_type, output_shape)],
            [numpy_helper.from_array(a, n) for n, a in self.stored.items()],
        )
        domains = {"", *(n.domain for n in self.nodes)}
        opsets = [helper.make_opsetid(d, self.opset if not d else 1) for d in sorted(domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8 if self.opset < 21 else 10)


def dense_layers(rng: np.random.Generator, sizes: Sequence[int]) -> onnx.ModelProto:
    """Dense layers fc1, fc2, ... of real numbers, a Relu behind each but the last."""
    model = Model(["N", sizes[0]])
    for number, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        if number > 1:
            model.add("Relu")
        weights, bias = rng.normal(0, 0.5, (outputs, inputs)), rng.normal(0, 0.5, outputs)
        model.add("Gemm", np.float32(weights), np.float32(bias), name=f"fc{number}", transB=1)
    return model.build(["N", sizes[-1]])


def session(model: onnx.ModelProto, *, s8s8: bool = True, optimized: bool = True) -> ort.InferenceSession:
    """onnxruntime with its integer kernels, none of which saturates."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    if not s8s8:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model: onnx.ModelProto, x: np.ndarray, *, s8s8: bool = True, optimized: bool = True) -> np.ndarray:
    """onnxruntime's output for the frames `x`, one at a time where the model has a fixed batch of 1."""
    runner = session(model, s8s8=s8s8, optimized=optimized)
    (port,) = runner.get_inputs()
    if port.shape and port.shape[0] == 1 and len(x) > 1:
        return np.concatenate([runner.run(None, {port.name: x[i : i + 1]})[0] for i in range(len(x))])
    result: np.ndarray = runner.run(None, {port.name: x})[0]
    return result


def evaluate(model: ImportedModel, x: np.ndarray) -> np.ndarray:
    """The imported graph's output for the model's own input (N, ...), in the model's own layout."""
    kind = model.graph.types[model.graph.inputs[0]]
    frames = np.empty((len(x), kind.size), dtype=np.float64 if kind.format is None else np.int64)
    frames[:, model.input.order.ravel()] = x.reshape(len(x), -1)
    y = model.graph.evaluate(frames.reshape(len(x), *kind.shape))[model.graph.outputs[0]]
    return y.reshape(len(x), -1)[:, model.output.order.ravel()].reshape(len(x), *model.output.shape)


def run_all(model: onnx.ModelProto, data: Sequence[np.ndarray]) -> list[np.ndarray]:
    """onnxruntime's outputs for frames of all inputs."""
    runner = session(model)
    feeds = {port.name: x for port, x in zip(runner.get_inputs(), data, strict=True)}
    return [np.asarray(y) for y in runner.run(None, feeds)]


def evaluate_all(model: ImportedModel, data: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The imported graph's outputs for frames of all inputs, in the model's own layout."""
    kinds = (model.graph.types[v] for v in model.graph.inputs)
    frames = [port.frames(kind, x) for port, kind, x in zip(model.inputs, kinds, data, strict=True)]
    made = model.graph.evaluate(*frames)
    return [port.own(made[v]) for port, v in zip(model.outputs, model.graph.outputs, strict=True)]
