"""Operators that stand for several standard ones: their handlers call the handlers of the parts.

A quantized operator means DequantizeLinear of its inputs, the operator on real numbers, and QuantizeLinear of the
result; the lowering turns just that into integers, exactly. So a dialect says what its operators consist of, and
everything else is done in one place.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.registry import HANDLERS
from rtlnn.frontend.tensors import Constant, QuantizedConstant, Tensor, View

__all__ = ["dequantized", "part", "quantized", "zeros_like"]


def part(
    context: Context,
    node: OnnxNode,
    operator: str,
    *inputs: Tensor | None,
    role: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> Tensor:
    """The result of a standard operator, in its newest definition, as a part of `node`.

    `role` sets its name apart from that of `node`; the part without one bears the name of `node` itself, and the one
    that makes its result has the role "result".
    """
    versions = [since for domain, kind, since in HANDLERS if not domain and kind == operator]
    if not versions:
        raise Unsupported(f"it contains the operator {operator}, which is not supported", "remove it")
    name = context.builder.node_name(f"{node.name}.{role}") if role else node.name
    output = node.output if role == "result" else f"{node.output}.{role or 'real'}"
    since = max(versions)
    made = HANDLERS["", operator, since](
        context, OnnxNode(name, operator, since, dict(attributes or {}), inputs, output)
    )
    return made[0] if isinstance(made, tuple) else made


def zeros_like(context: Context, tensor: Tensor) -> Constant:
    """The zero point 0 in the integer type of `tensor`."""
    dtype = "uint8"
    if isinstance(tensor, Constant):
        dtype = tensor.array.dtype.name
    elif isinstance(tensor, View) and (held := context.builder.types[tensor.value].format):
        dtype = f"{'' if held.signed else 'u'}int{held.bits}"
    return Constant("zero", np.zeros((), dtype))


def dequantized(context: Context, node: OnnxNode, i: int, role: str, axis: int = 1, zero: int | None = None) -> Tensor:
    """Input `i` of `node` as real numbers; its scale is input i + 1, its zero point i + 2 (or `zero`) if there is one.

    `axis` is the one that several scales or zero points belong to.
    """
    place = i + 2 if zero is None else zero
    tensor, scale = node.input(i), node.input(i + 1 if zero is None else zero - 1)
    offset = node.input(place) if node.has(place) else zeros_like(context, tensor)
    if isinstance(scale, Constant) and isinstance(offset, Constant) and offset.array.size < scale.array.size:
        offset = Constant(offset.name, np.broadcast_to(offset.array.reshape(-1)[:1], scale.shape))
    return part(context, node, "DequantizeLinear", tensor, scale, offset, role=role, attributes={"axis": axis})


def quantized(context: Context, node: OnnxNode, real: Tensor, i: int) -> Tensor:
    """The result of `node`: `real` in the scale of input `i` and the zero point of input i + 1.

    Without the latter, it is 0 in the type of the first input that is data.
    """
    if isinstance(real, (Constant, QuantizedConstant)):
        raise Unsupported("all its inputs are constant", "fold constants before exporting")
    data = next((t for t in node.inputs if isinstance(t, View)), node.input(0))
    offset = node.input(i + 1) if node.has(i + 1) else zeros_like(context, data)
    return part(context, node, "QuantizeLinear", real, node.input(i), offset, role="result")
