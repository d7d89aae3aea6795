"""Per-layer precision and rounding of requantizations."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array, FixedFormat, TensorType
from rtlnn.ops import MaxPool2D, Precision, Requantize, Reshape
from rtlnn.passes.lowering.multipliers import BITS, MAX_SHIFT
from rtlnn.passes.rewrite import pruned
from rtlnn.passes.settings import Rounding, Settings

__all__ = ["requantize_settings"]

_FOLLOWS = (Requantize, Reshape, MaxPool2D)
"""What passes a layer's name on to the requantization behind it."""


def _layer(node: Node, makers: dict[str, Node]) -> str:
    """The layer whose result `node` requantizes: the first operation before it that computes."""
    found = node
    while (before := makers.get(found.inputs[0])) is not None:
        found = before
        if not isinstance(found.op, _FOLLOWS):
            break
    return found.name


def _limited(
    multiplier: Array, shift: Array, bias: Array | None, bits: int, most: int
) -> tuple[Array, Array, Array | None]:
    """Multipliers of at most `bits` bits, and shifts from 0 to `most`, rounded half to even."""
    width = np.frexp(np.abs(multiplier).astype(np.float64))[1].astype(np.int64)
    drop = np.minimum(np.maximum(np.maximum(width - bits, shift - most), 0), shift)
    down = np.ldexp(1.0, -drop)
    shorter = np.rint(multiplier * down).astype(np.int64)
    return shorter, shift - drop, None if bias is None else np.rint(bias * down).astype(np.int64)


def _rounded(rounding: Rounding, multiplier: Array, shift: Array, bias: Array | None) -> tuple[Array, Array, Array]:
    """Parameters with which rounding half to even becomes another rounding.

    In halves of a unit of the product, one half more is never a tie: (2p + 1)/2**(s + 1) rounds as p/2**s rounds half
    up, and with 2**s halves less as it rounds down.
    """
    added = np.ones_like(shift) - (np.int64(1) << shift if rounding is Rounding.FLOOR else 0)
    before = np.zeros_like(shift) if bias is None else bias
    return 2 * multiplier, shift + 1, 2 * before + added


def requantize_settings(settings: Settings, otherwise: Precision) -> Callable[[Graph], Graph]:
    """The pass that gives each requantization the precision and rounding that `settings` say of its layer.

    Requires: integers alone, lowered with `Precision.EXACT` if any layer is to be exact. Ensures: fast requantizations
    have multipliers of 17 bits at most; such that round otherwise than half to even have a bias that makes them so.
    """

    def requantize_settings(graph: Graph) -> Graph:
        makers = {n.output: n for n in graph.nodes}
        fresh = Names((*graph.types, *graph.constants))
        types, constants, nodes = dict(graph.types), dict(graph.constants), []
        for node in graph.nodes:
            if not isinstance(node.op, Requantize):
                nodes.append(node)
                continue
            layer = _layer(node, makers)
            precision, rounding = settings.precision(layer, otherwise), settings.rounding(layer)
            if precision is node.op.precision and rounding is Rounding.HALF_EVEN:
                nodes.append(node)
                continue
            multiplier, shift, *rest = (graph.constants[v].astype(np.int64) for v in node.inputs[1:])
            bias: Array | None = rest[0] if rest else None
            doubled = rounding is not Rounding.HALF_EVEN
            multiplier, shift, bias = _limited(multiplier, shift, bias, BITS[precision] - doubled, MAX_SHIFT - doubled)
            if doubled:
                multiplier, shift, bias = _rounded(rounding, multiplier, shift, bias)
            inputs = [node.inputs[0]]
            for what, array in (("multiplier", multiplier), ("shift", shift), ("bias", bias)):
                if array is not None:
                    name = fresh(f"{node.name}.{what}.{precision.value}")
                    fixed = FixedFormat.spanning(int(array.min()), int(array.max()))
                    types[name], constants[name] = TensorType(array.shape, fixed), array
                    inputs.append(name)
            nodes.append(replace(node, op=replace(node.op, precision=precision), inputs=tuple(inputs)))
        return pruned(replace(graph, nodes=tuple(nodes), types=types, constants=constants))

    return requantize_settings
