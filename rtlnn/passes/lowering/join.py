"""What operations on several represented values do to the integers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Add, Clip, Concat, Extreme, Multiply, Quantize
from rtlnn.passes.lowering.core import CoreBuilder
from rtlnn.passes.lowering.formats import quantize_behind
from rtlnn.passes.lowering.represent import Representation
from rtlnn.passes.lowering.represented import Represented, Rule
from rtlnn.passes.lowering.rules import SUM_BITS, Kernel, is_codes, product_rule, sum_rule

__all__ = ["Joining"]

WIDEST_SUM = 46
"""Bits of a sum before its bias."""


class Joining:
    """Adds the integer nodes for operations on several represented values to a core.

    Parameters
    ----------
    graph : the graph that is lowered
    core : the integer graph so far
    represent : what requantizes single values
    """

    def __init__(self, graph: Graph, core: CoreBuilder, represent: Representation) -> None:
        self.graph = graph
        self.core = core
        self.represent = represent
        self._rules: dict[type[Op], Callable[[Node, Any, Sequence[Represented]], Represented]] = {
            Add: self._add,
            Concat: self._concat,
            Extreme: self._extreme,
            Multiply: self._multiply,
        }

    def applied(self, node: Node, values: Sequence[Represented]) -> Represented:
        """The result of `node` on `values`. Raises `ValueError` that says what stands in the way."""
        rule = self._rules.get(type(node.op))
        if rule is None:
            raise ValueError("only the host can do this")
        return rule(node, node.op, values)

    def _add(self, node: Node, _: Add, values: Sequence[Represented]) -> Represented:
        a, b = values
        if a.clipped or b.clipped:
            raise ValueError("the activation before it is not quantized")
        held = self._held(a), self._held(b)
        behind = quantize_behind(self.graph, node.output, sums=False)
        rule: Rule | None
        if behind is not None and all(is_codes(v, h, behind) for v, h in zip(values, held, strict=True)):
            output = behind.output
            ma, mb, rule = sum_rule(a, b, held, output, self._kernel(node, values, held, output))
            multipliers = [np.full(len(a.scale), m, dtype=np.int64) for m in (ma, mb)]
            unit = np.ldexp(output.one_scale, -rule.shift)
            shift = (rule.bias - ((output.zero_point - rule.zero) << rule.shift)) * unit
        else:
            further = behind or quantize_behind(self.graph, node.output)
            step = float(max(np.abs(a.scale).max(), np.abs(b.scale).max()))
            step = step if further is None else further.output.one_scale
            *multipliers, bits = _common((a.scale / step, b.scale / step), (held[0].bits, held[1].bits))
            unit, shift = np.ldexp(step, -bits), a.shift + b.shift
            rule = None if behind is None or shift.any() else _rounded_once(behind.output, bits)
        names = [self.core.constant(f"{node.name}.m{which}", m) for which, m in zip("ab", multipliers, strict=True)]
        made = self.core.add(node.name, Add((a.zero, b.zero)), (a.value, b.value, *names), node.output)
        return Represented(made, unit, 0, shift, rule=rule)

    def _multiply(self, node: Node, _: Multiply, values: Sequence[Represented]) -> Represented:
        a, b = values
        if any(v.clipped or v.shift.any() for v in values):
            raise ValueError("its input is not quantized")
        held = self._held(a), self._held(b)
        if sum(h.bits for h in held) > WIDEST_SUM:
            raise ValueError("its input is not quantized")
        behind = quantize_behind(self.graph, node.output)
        rule = None
        if behind is not None and all(is_codes(v, h, behind) for v, h in zip(values, held, strict=True)):
            rule = product_rule(a, b, held, behind.output, self._kernel(node, values, held, behind.output))
        made = self.core.add(node.name, Multiply((a.zero, b.zero)), (a.value, b.value), node.output)
        scale = (a.scale.astype(np.float32) * b.scale.astype(np.float32)).astype(np.float64)
        return Represented(made, scale, 0, np.zeros(len(scale)), rule=rule)

    def _extreme(self, node: Node, op: Extreme, values: Sequence[Represented]) -> Represented:
        codes, fixed = self._alike(node, values)
        return self.represent.codes(self.core.add(node.name, op, codes, node.output), fixed)

    def _concat(self, node: Node, op: Concat, values: Sequence[Represented]) -> Represented:
        codes, fixed = self._alike(node, values)
        return self.represent.codes(self.core.add(node.name, op, codes, node.output), fixed)

    def _alike(self, node: Node, values: Sequence[Represented]) -> tuple[tuple[str, ...], FixedFormat]:
        """All values as codes of one format: that of the next Quantize, or their own if they have the same."""
        behind = quantize_behind(self.graph, node.output) or Quantize(self._own_format(values))
        output = behind.output
        codes = []
        for i, value in enumerate(values):
            name = self.core.name(f"{node.name}.requantize{i}")
            codes.append(self.represent.quantized(name, behind, value, self.core.name(f"{node.output}.input{i}")))
        # codes may bear the scale of an earlier Quantize of the same format
        for v in codes:
            self.core.retype(v, output)
        return tuple(codes), output

    def _own_format(self, values: Sequence[Represented]) -> FixedFormat:
        first = values[0]
        held = self._held(first)
        if not first.plain or any(
            not v.plain or (v.scale[0], v.zero) != (first.scale[0], first.zero) or self._held(v).bits != held.bits
            for v in values
        ):
            raise ValueError("its result is not quantized, and its inputs are not quantized alike")
        return FixedFormat(held.bits, held.encoding, float(first.scale[0]), first.zero)

    def _held(self, value: Represented) -> FixedFormat:
        return self.core.types[value.value].fixed

    def _kernel(
        self, node: Node, values: Sequence[Represented], held: Sequence[FixedFormat], output: FixedFormat
    ) -> Kernel:
        """onnxruntime has kernels for tensors of one type, quantized with nothing in between."""
        same = all((h.bits, h.encoding) == (output.bits, output.encoding) for h in held)
        users = self.graph.users(node.output)
        while len(users) == 1 and isinstance(users[0].op, Clip) and self._idle(users[0].op, output):
            users = self.graph.users(users[0].output)
        direct = len(users) == 1 and isinstance(users[0].op, Quantize)
        positive = all((v.scale > 0).all() for v in values)
        return Kernel.INTEGER if same and direct and positive and output.bits == 8 else Kernel.FLOAT

    @staticmethod
    def _idle(op: Clip, output: FixedFormat) -> bool:
        """Whether the quantization limits as much."""
        lo, hi = (output.one_scale * (end - output.zero_point) for end in (output.lo, output.hi))
        return op.lo <= lo and op.hi >= hi


def _common(ratios: tuple[Array, Array], widths: tuple[int, int]) -> tuple[Array, Array, Array]:
    """Multipliers for two real ratios (C,), and the shift that both share in each channel.

    `widths` are the operands' bits. A sum of earlier sums keeps their unit, so that these need no multiplier.
    """
    limits = [min(SUM_BITS, WIDEST_SUM - w) for w in widths]
    room = [limit - np.frexp(r)[1].astype(np.int64) for limit, r in zip(limits, ratios, strict=True)]
    shift = np.maximum(np.minimum(*room), 0)
    made = [
        np.clip(np.rint(np.ldexp(r, shift)), 1 - (1 << limit), (1 << limit) - 1).astype(np.int64)
        for r, limit in zip(ratios, limits, strict=True)
    ]
    return made[0], made[1], shift


def _rounded_once(output: FixedFormat, shift: Array) -> Rule:
    return Rule(output, np.ones_like(shift), shift, np.zeros_like(shift), output.zero_point, once=True)
