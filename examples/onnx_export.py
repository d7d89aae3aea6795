"""Writes a torch network as float ONNX, node by node, the way PyTorch lays tensors out (NCHW, weights by output).

By hand rather than by torch.onnx: names stay readable, batch norms stay apart, and the file is the same to the byte
for the same weights.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from examples.files import whole

__all__ = ["Normalize", "export"]

OPSET = 17
IR_VERSION = 8


class Normalize(nn.Module):
    """(x - mean) / std with constants: raw pixels to what the network was trained on."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean = mean
        self.std = std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std


class Graph:
    """An ONNX graph under construction: a chain, `head` is the tensor that the next node takes."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.float32] | float) -> str:
        """Add an initializer; returns its name."""
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=np.float32, order="C"), name))
        return name

    def weight(self, name: str, value: torch.Tensor) -> str:
        """Add a trained tensor as an initializer; returns its name."""
        return self.constant(name, value.detach().numpy())

    def node(self, op: str, name: str, *inputs: str, **attributes: object) -> None:
        """Append an operator that takes the head and the named tensors; its output `<name>.out` is the new head."""
        output = f"{name}.out"
        self.nodes.append(helper.make_node(op, [self.head, *inputs], [output], name=name, **attributes))
        self.head = output


def _pair(value: int | tuple[int, ...] | str) -> list[int]:
    if isinstance(value, str):
        raise TypeError(f"padding {value!r}: give numbers")
    return [value, value] if isinstance(value, int) else list(value)


def _normalize(graph: Graph, name: str, module: Normalize) -> None:
    if module.mean:
        graph.node("Sub", f"{name}.sub", graph.constant(f"{name}.mean", module.mean))
    graph.node("Div", f"{name}.div", graph.constant(f"{name}.std", module.std))


def _conv(graph: Graph, name: str, module: nn.Conv2d) -> None:
    inputs = [graph.weight(f"{name}.weight", module.weight)]
    if module.bias is not None:
        inputs.append(graph.weight(f"{name}.bias", module.bias))
    graph.node(
        "Conv",
        name,
        *inputs,
        kernel_shape=list(module.kernel_size),
        strides=list(module.stride),
        pads=_pair(module.padding) * 2,
        dilations=list(module.dilation),
        group=module.groups,
    )


def _batch_norm(graph: Graph, name: str, module: nn.BatchNorm2d) -> None:
    if module.running_mean is None or module.running_var is None:
        raise TypeError(f"{name}: a batch norm without running statistics depends on the batch")
    inputs = [
        graph.weight(f"{name}.weight", module.weight),
        graph.weight(f"{name}.bias", module.bias),
        graph.weight(f"{name}.running_mean", module.running_mean),
        graph.weight(f"{name}.running_var", module.running_var),
    ]
    graph.node("BatchNormalization", name, *inputs, epsilon=module.eps)


def _linear(graph: Graph, name: str, module: nn.Linear) -> None:
    inputs = [graph.weight(f"{name}.weight", module.weight), graph.weight(f"{name}.bias", module.bias)]
    graph.node("Gemm", name, *inputs, transB=1)


def _pool(graph: Graph, name: str, module: nn.MaxPool2d | nn.AvgPool2d) -> None:
    op = "MaxPool" if isinstance(module, nn.MaxPool2d) else "AveragePool"
    shape = {"kernel_shape": module.kernel_size, "strides": module.stride}
    graph.node(op, name, **{key: _pair(value) for key, value in shape.items()}, pads=_pair(module.padding) * 2)


WRITERS: dict[type[nn.Module], Callable[..., None]] = {
    Normalize: _normalize,
    nn.Conv2d: _conv,
    nn.BatchNorm2d: _batch_norm,
    nn.Linear: _linear,
    nn.MaxPool2d: _pool,
    nn.AvgPool2d: _pool,
    nn.ReLU: lambda graph, name, _: graph.node("Relu", name),
    nn.Flatten: lambda graph, name, _: graph.node("Flatten", name, axis=1),
    nn.Softmax: lambda graph, name, module: graph.node("Softmax", name, axis=module.dim),
    nn.Dropout: lambda _graph, _name, _module: None,  # trains only
}


def export(
    network: nn.Sequential, image_shape: tuple[int, int, int], path: Path, *, output: str, description: str
) -> None:
    """Write `network` to `path`: input `image`, float (N, C, H, W) of `image_shape` (C, H, W) with N dynamic.

    Nodes are named as the children of `network`, weights as in its state_dict; the result (N, classes) is `output`.
    The file appears whole or not at all. Raises TypeError for a module that has no writer here.
    """
    network.eval()
    graph = Graph("image")
    for name, module in network.named_children():
        writer = WRITERS.get(type(module))
        if writer is None:
            raise TypeError(f"{name}: no ONNX writer for {type(module).__name__}")
        writer(graph, name, module)
    graph.nodes[-1].output[0] = output
    with torch.no_grad():
        classes = network(torch.zeros(1, *image_shape)).shape[1]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            path.stem,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *image_shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", classes])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="rtlnn examples",
        doc_string=description,
    )
    onnx.checker.check_model(model, full_check=True)
    with whole(path) as file:
        file.write(model.SerializeToString(deterministic=True))
