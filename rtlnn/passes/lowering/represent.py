"""What each operation on real numbers does to the integers that represent them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Affine, AveragePool2D, Clip, Conv2D, Dense, MaxPool2D, Precision, Reshape
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.represented import Represented
from rtlnn.passes.lowering.requantization import accumulator_bias, requantization

__all__ = ["Representation"]


class Representation:
    """Adds the integer nodes for operations on represented values to a core.

    Parameters
    ----------
    graph : the graph that is lowered
    core : the integer graph so far
    precision : of the requantizations
    """

    def __init__(self, graph: Graph, core: CoreBuilder, precision: Precision) -> None:
        self.graph = graph
        self.core = core
        self.precision = precision
        self.integer_constants: dict[str, tuple[Array, FixedFormat]] = {}
        """Real values that Dequantize makes of integer constants, by name."""
        self._rules: dict[type[Op], Callable[[Node, Any, Represented], Represented]] = {
            Affine: self._affine,
            AveragePool2D: self._average,
            Clip: self._clip,
            Conv2D: self._layer,
            Dense: self._layer,
            MaxPool2D: self._maximum,
            Reshape: self._reshape,
        }

    def applied(self, node: Node, value: Represented) -> Represented:
        """The result of `node` on `value`. Raises `ValueError` that says what stands in the way."""
        rule = self._rules.get(type(node.op))
        if rule is None:
            raise ValueError("only the host can do this")
        return rule(node, node.op, value)

    def quantized(self, node: Node, output: FixedFormat, value: Represented) -> str:
        """The codes of `value` in the format `output`: a requantization under the name of `node`."""
        made = requantization(self.settled(value, output.one_scale), output, self.precision)
        inputs = [value.value]
        for name, array in (("multiplier", made.multiplier), ("shift", made.shift), ("bias", made.bias)):
            if array is not None:
                inputs.append(self.core.constant(f"{node.name}.{name}", array))
        return self.core.add(node.name, made.op, tuple(inputs), node.output)

    def settled(self, value: Represented, step: float) -> Represented:
        """The value with its pending shift moved into the accumulators, if they can take it.

        `step` is that of the result; 0 if rounding to one unit of the accumulators will do.
        """
        bias = accumulator_bias(value, step)
        if bias is None or value.layer is None:
            return value
        self.core.add_bias(value.layer, bias)
        return replace(value, shift=np.zeros(len(bias)))

    def _affine(self, node: Node, _: Affine, value: Represented) -> Represented:
        scale, shift = (self.graph.constants[v] for v in node.inputs[1:])
        return value.affine(scale, shift)

    def _clip(self, _: Node, op: Clip, value: Represented) -> Represented:
        return value.limited(op.lo, op.hi)

    def _reshape(self, node: Node, op: Reshape, value: Represented) -> Represented:
        made = self.core.add(node.name, op, (value.value,), node.output)
        return value.regrouped(made, op.shape[2])

    def _maximum(self, node: Node, op: MaxPool2D, value: Represented) -> Represented:
        if (value.scale < 0).any():
            raise ValueError("it takes the maximum of values whose scale is negative in some channels")
        return replace(value, value=self.core.add(node.name, op, (value.value,), node.output))

    def _average(self, node: Node, op: AveragePool2D, value: Represented) -> Represented:
        if value.clipped:
            raise ValueError("the activation before it is not quantized")
        if value.shift.any() and op.count_include_pad and op.window.padded:
            raise ValueError("the values before it are not quantized")
        height, width, _ = self.core.types[value.value].shape
        _, divisor = op.factors((height, width))
        made = self.core.add(node.name, replace(op, x_zero=value.zero), (value.value,), node.output)
        return replace(value, value=made, scale=value.scale / divisor, zero=0, layer=None)

    def _layer(self, node: Node, op: Conv2D | Dense, value: Represented) -> Represented:
        if not value.plain:
            raise ValueError("its input is not quantized")
        weight, *bias = node.inputs[1:]
        if weight not in self.integer_constants:
            raise ValueError("its weights are not quantized")
        integers, fixed = self.integer_constants[weight]
        steps = np.broadcast_to(np.asarray(fixed.scale, np.float32), len(integers))
        # in float32, as onnxruntime computes it
        scale = (np.float32(value.scale[0]) * steps).astype(np.float64)
        inputs = [value.value, self.core.constant(f"{node.name}.weight", integers, fixed)]
        shift = np.zeros(len(integers))
        if bias:
            terms, shift = self._bias(bias[0], scale)
            if terms is not None:
                inputs.append(self.core.constant(f"{node.name}.bias", terms))
        made = self.core.add(node.name, replace(op, x_zero=value.zero), tuple(inputs), node.output)
        return Represented(made, scale, 0, shift, layer=node.name, own_bias=True)

    def _bias(self, name: str, scale: Array) -> tuple[Array | None, Array]:
        """A bias as integers in units of the accumulators, where it is given so, and what is left as real numbers."""
        if name not in self.integer_constants:
            return None, self.graph.constants[name]
        integers, fixed = self.integer_constants[name]
        real = np.broadcast_to(np.asarray(fixed.scale, np.float64), scale.shape)
        # exporters compute this product in float32 or float64
        if np.allclose(real, scale, rtol=1e-5, atol=0):
            return integers, np.zeros(len(scale))
        return None, integers * real
