"""What each operation on real numbers does to the integers that represent them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import (
    Affine,
    ArgMax,
    AveragePool2D,
    Clip,
    Conv2D,
    Dense,
    MaxPool2D,
    Precision,
    Quantize,
    Rearrange,
    Reshape,
    Rounding,
    Table,
    Thresholds,
)
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.formats import quantize_behind
from rtlnn.passes.lowering.grid import exact_integers
from rtlnn.passes.lowering.represented import Represented
from rtlnn.passes.lowering.requantization import accumulator_bias, code, needs_nothing, requantization
from rtlnn.passes.lowering.rules import code_table
from rtlnn.passes.lowering.thresholds import MOST_LEVELS, IntegerThresholds, of_codes, of_levels

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
            ArgMax: self._arg_max,
            Conv2D: self._layer,
            Dense: self._layer,
            MaxPool2D: self._maximum,
            Rearrange: self._rearrange,
            Reshape: self._reshape,
        }

    def applied(self, node: Node, value: Represented) -> Represented:
        """The result of `node` on `value`. Raises `ValueError` that says what stands in the way."""
        rule = self._rules.get(type(node.op))
        if rule is None:
            raise ValueError("only the host can do this")
        return rule(node, node.op, value)

    def quantized(self, name: str, op: Quantize, value: Represented, makes: str) -> str:
        """The codes of `value`: by a requantization `name` that makes the value `makes`, by thresholds if it cannot
        round so, or as they are."""
        held = self.core.types[value.value].fixed
        if needs_nothing(value, held, op):
            return value.value
        value = self.settled(value, op.output.one_scale)
        signs = op.rounding not in (Rounding.HALF_EVEN, Rounding.FLOOR, Rounding.CEILING)
        if signs and op.ends[0] < op.output.zero_point and op.ends[1] - op.ends[0] < MOST_LEVELS:
            return self._compared(name, of_codes(value, op, held), makes)
        if self.precision is Precision.EXACT and (results := code_table(value, held, op)) is not None:
            entries = self.core.constant(f"{name}.table", results)
            return self.core.add(name, Table(op.output, held.lo), (value.value, entries), makes)
        made = requantization(value, op, self.precision)
        inputs = [value.value]
        for what, array in (("multiplier", made.multiplier), ("shift", made.shift), ("bias", made.bias)):
            if array is not None:
                inputs.append(self.core.constant(f"{name}.{what}", array))
        return self.core.add(name, made.op, tuple(inputs), makes)

    def compared(self, node: Node, op: Thresholds, value: Represented) -> str:
        """The levels of `value`, compared with thresholds that are real numbers."""
        levels, signs = (self.graph.constants[v] for v in node.inputs[1:])
        held = self.core.types[value.value].fixed
        return self._compared(node.name, of_levels(value, op, levels, signs, held), node.output)

    def _compared(self, name: str, made: IntegerThresholds, makes: str) -> str:
        inputs = [made.value]
        for what, array in (("thresholds", made.thresholds), ("sign", made.sign)):
            inputs.append(self.core.constant(f"{name}.{what}", array))
        return self.core.add(name, made.op, tuple(inputs), makes)

    def settled(self, value: Represented, step: float) -> Represented:
        """The value with its pending shift moved into the accumulators, if they can take it.

        `step` is that of the result; 0 if the accumulators are the result, which then become as fine as the shift.
        """
        if not step and value.layer is not None and value.halves is not None:
            self.core.double(value.layer)
            self.core.add_bias(value.layer, np.rint(2 * value.halves).astype(np.int64))
            rest = value.shift - value.scale * value.halves
            value = replace(value, scale=value.scale / 2, shift=rest, halves=None)
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

    def _rearrange(self, node: Node, op: Rearrange, value: Represented) -> Represented:
        channels = self.core.types[value.value].shape[2]
        source = op.places % channels
        filled = op.places < 0
        if filled.any():
            value, fill = self._filling(node, op, value)
            op = replace(op, fill=fill)
        first = np.where(filled, channels, source).reshape(-1, op.shape[2]).min(axis=0) % channels
        if ((source != first) & ~filled).any():
            if not value.one_scale or (value.shift != value.shift[0]).any():
                raise ValueError("values with a scale for each channel change their channels")
            first = np.zeros_like(first)
        return value.rearranged(self.core.add(node.name, op, (value.value,), node.output), first)

    def _filling(self, node: Node, op: Rearrange, value: Represented) -> tuple[Represented, int]:
        """The value in a form that has an integer for what is put in, and that integer."""
        behind = quantize_behind(self.graph, node.output)
        if op.fill and behind is not None:
            makes = self.core.name(f"{node.output}.requantized")
            codes = self.quantized(self.core.name(f"{node.name}.requantize"), behind, value, makes)
            return self.codes(codes, behind.output), code(op.fill, behind)
        value = self.settled(value, 0.0)
        if value.shift.any() or value.clipped or (op.fill and not value.one_scale):
            raise ValueError("its input is not quantized")
        held = self.core.types[value.value].fixed
        return value, int(np.clip(np.rint(op.fill / value.scale[0]) + value.zero, held.lo, held.hi))

    def codes(self, value: str, fixed: FixedFormat) -> Represented:
        """The integers `value`, which are codes of the format `fixed`."""
        return Represented.quantized(value, self.core.types[value].shape[2], fixed.one_scale, fixed.zero_point)

    def _arg_max(self, node: Node, op: ArgMax, value: Represented) -> Represented:
        if not value.comparable:
            raise ValueError("it compares channels that are not quantized alike")
        return Represented.quantized(self.core.add(node.name, op, (value.value,), node.output), 1, 1.0, 0)

    def _maximum(self, node: Node, op: MaxPool2D, value: Represented) -> Represented:
        if (value.scale < 0).any():
            raise ValueError("it takes the maximum of values whose scale is negative in some channels")
        return replace(value, value=self.core.add(node.name, op, (value.value,), node.output))

    def _average(self, node: Node, op: AveragePool2D, value: Represented) -> Represented:
        if value.clipped:
            raise ValueError("the activation before it is not quantized")
        if value.shift.any() and any(op.counted) and op.window.padded:
            raise ValueError("the values before it are not quantized")
        height, width, _ = self.core.types[value.value].shape
        _, divisor = op.factors((height, width))
        made = self.core.add(node.name, replace(op, x_zero=value.zero), (value.value,), node.output)
        return replace(value, value=made, scale=value.scale / divisor, zero=0, layer=None, rule=None)

    def _layer(self, node: Node, op: Conv2D | Dense, value: Represented) -> Represented:
        weight, *bias = node.inputs[1:]
        integers, fixed = self._weights(weight)
        value, moved = self._plain(op, value, integers)
        steps = np.broadcast_to(np.asarray(fixed.scale, np.float32), len(integers))
        # in float32, as onnxruntime computes it
        scale = (np.float32(value.scale[0]) * steps).astype(np.float64)
        inputs = [value.value, self.core.constant(f"{node.name}.weight", integers, fixed)]
        shift = np.zeros(len(integers))
        if bias:
            terms, shift = self._bias(bias[0], scale)
            if terms is not None:
                inputs.append(self.core.constant(f"{node.name}.bias", terms))
        if moved is not None:
            shift = shift + moved * scale
        halves = moved if moved is not None and (2 * moved == np.rint(2 * moved)).all() else None
        made = self.core.add(node.name, replace(op, x_zero=value.zero), tuple(inputs), node.output)
        return Represented(made, scale, 0, shift, layer=node.name, own_bias=True, halves=halves)

    def _plain(self, op: Conv2D | Dense, value: Represented, weights: Array) -> tuple[Represented, Array | None]:
        """The value as integers with a zero point, and what that leaves over for each sum, in units of the sums.

        A shift of all values, like that of -1 and 1 held as 0 and 1, becomes the zero point if it is whole steps, else
        part of the sums; but not of sums over padding.
        """
        if value.clipped or not value.one_scale or (value.shift != value.shift[0]).any():
            raise ValueError("its input is not quantized")
        steps = float(value.shift[0] / value.scale[0])
        held = self.core.types[value.value].fixed
        padded = isinstance(op, Conv2D) and op.window.padded
        plain = replace(value, shift=np.zeros(len(value.shift)))
        zero = value.zero - round(steps)
        if steps == round(steps) and (held.lo <= zero <= held.hi or not padded):
            return replace(plain, zero=zero), None
        if not padded:
            return plain, steps * weights.reshape(len(weights), -1).sum(axis=1)
        doubled = self._doubled(value.value)
        if doubled is None or 2 * steps != round(2 * steps):
            raise ValueError("its input is not quantized with a zero point, and padded")
        return replace(plain, value=doubled, scale=value.scale / 2, zero=2 * value.zero - round(2 * steps)), None

    def _doubled(self, value: str) -> str | None:
        """Twice the integers that a comparison makes, perhaps pooled; None if it does not."""
        maker, made = next((n for n in self.core.nodes if n.output == value), None), f"{value}.doubled"
        if maker is None or made in self.core.types:
            return None if maker is None else made
        op, inputs = maker.op, maker.inputs
        if isinstance(op, Thresholds):
            op = Thresholds(FixedFormat(op.output.bits + 1, op.output.encoding), 2 * op.base, 2 * op.step)
        elif isinstance(op, (MaxPool2D, Reshape)) and (source := self._doubled(inputs[0])) is not None:
            inputs = (source,)
        else:
            return None
        return self.core.add(f"{maker.name}.doubled", op, inputs, made)

    def _weights(self, name: str) -> tuple[Array, FixedFormat]:
        """Weights as integers; also those that a model holds as real numbers, but of few values."""
        found = self.integer_constants.get(name)
        if found is None and name in self.graph.constants:
            found = exact_integers(self.graph.constants[name])
        if found is None:
            raise ValueError("its weights are not quantized")
        return found

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
