"""Activation functions as operators of opset 17; newer ones as what they are made of."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtlnn.frontend.tensors import View
from rtlnn.frontend.writer.tensors import OnnxGraph
from rtlnn.ir.graph import Node
from rtlnn.ops import Activation, Function

__all__ = ["write_activation"]


@dataclass(frozen=True)
class _Steps:
    """The nodes that one node becomes."""

    out: OnnxGraph
    node: Node
    op: Activation

    def __call__(self, operator: str, *inputs: str | float, last: bool = False) -> str:
        """One operator on tensors and numbers; returns its output, the node's own if it is the `last` one."""
        name = self.node.name if last else self.out.names(f"{self.node.name}_{operator}")
        places = [
            v if isinstance(v, str) else self.out.store(f"{name}.constant", np.array(v, np.float32)) for v in inputs
        ]
        output = self.out.names(self.node.output if last else f"{self.node.output}_{operator.lower()}")
        return self.out.emit(operator, name, places, output)


def _gelu(step: _Steps, x: str) -> str:
    share = step("Add", step("Erf", step("Mul", x, math.sqrt(0.5))), 1.0)
    return step("Mul", step("Mul", x, share), 0.5, last=True)


def _gelu_tanh(step: _Steps, x: str) -> str:
    cube = step("Mul", step("Mul", step("Mul", x, x), x), 0.044715)
    share = step("Add", step("Tanh", step("Mul", step("Add", x, cube), math.sqrt(2.0 / math.pi))), 1.0)
    return step("Mul", step("Mul", x, share), 0.5, last=True)


def _mish(step: _Steps, x: str) -> str:
    return step("Mul", x, step("Tanh", step("Softplus", x)), last=True)


def _swish(step: _Steps, x: str) -> str:
    scaled = x if step.op.a == 1.0 else step("Mul", x, step.op.a)
    return step("Mul", x, step("Sigmoid", scaled), last=True)


_COMPOSED: dict[Function, Callable[[_Steps, str], str]] = {
    Function.GELU: _gelu,
    Function.GELU_TANH: _gelu_tanh,
    Function.MISH: _mish,
    Function.SWISH: _swish,
}
_ATTRIBUTES: dict[Function, tuple[str, ...]] = {
    Function.CELU: ("alpha",),
    Function.ELU: ("alpha",),
    Function.HARD_SIGMOID: ("alpha", "beta"),
    Function.LEAKY_RELU: ("alpha",),
    Function.SELU: ("alpha", "gamma"),
    Function.THRESHOLDED_RELU: ("alpha",),
}


def write_activation(out: OnnxGraph, node: Node, op: Activation) -> View:
    """Append `node` to the ONNX graph."""
    view = out.views[node.inputs[0]]
    if (composed := _COMPOSED.get(op.function)) is not None:
        return View(composed(_Steps(out, node, op), view.value), view.index)
    attributes = dict(zip(_ATTRIBUTES.get(op.function, ()), (op.a, op.b), strict=False))
    made = out.emit(op.function.value, node.name, [view.value], out.names(node.output), **attributes)
    return View(made, view.index)
