"""Rules for codes of at most 8 bits that equal onnxruntime's arithmetic in float32, tried on every code there is."""

from dataclasses import replace
from enum import Enum

import numpy as np

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Dequantize, Precision, Quantize, Requantize, Rounding
from rtlnn.passes.lowering import float32
from rtlnn.passes.lowering.fitting import Fitted, fitted
from rtlnn.passes.lowering.float32 import Operand
from rtlnn.passes.lowering.multipliers import multipliers
from rtlnn.passes.lowering.represented import Represented, Rule
from rtlnn.passes.lowering.requantization import requantization

__all__ = ["Kernel", "code_table", "is_codes", "product_rule", "sum_rule"]

MULTIPLIER_BITS = 24
SUM_BITS = 25
"""Of the larger multiplier of a sum: with its sign it fits a DSP slice's wide operand."""


class Kernel(Enum):
    """How onnxruntime computes a sum or product of quantized tensors."""

    INTEGER = "integer"
    """A kernel of its own, which adds the zero point before it rounds."""
    FLOAT = "float"
    """Operators on dequantized numbers."""

    def inside(self, output: FixedFormat) -> int:
        """What is added before rounding: ties go to even codes, or to even distances from the zero point."""
        return output.zero_point & 1 if self is Kernel.INTEGER else 0


def is_codes(value: Represented, held: FixedFormat, op: Quantize) -> bool:
    """Whether there are few enough integers to try them all."""
    return value.plain and max(held.bits, op.output.bits) <= 8 and op.rounding is Rounding.HALF_EVEN


def _pairs(a: FixedFormat, b: FixedFormat) -> tuple[Array, Array]:
    grid = np.meshgrid(*(np.arange(f.lo, f.hi + 1) for f in (a, b)), indexing="ij")
    return grid[0].ravel(), grid[1].ravel()


def _operand(value: Represented) -> Operand:
    return Operand(float(value.scale[0]), value.zero)


def _rule(found: Fitted, channels: int, output: FixedFormat, inside: int, *, sums: bool = False) -> Rule:
    """The rule as found; sums have their multipliers already."""
    multiplier = 1 if sums else found.multipliers[0]
    m, s, b = (np.full(channels, n, dtype=np.int64) for n in (multiplier, found.shift, found.bias))
    return Rule(output, m, s, b, output.zero_point - inside, once=sums)


def _fitted(
    operands: Array, ratios: tuple[np.float32, ...], wanted: Array, output: FixedFormat, bits: int, inside: int
) -> Fitted:
    zero = output.zero_point - inside
    numbers = tuple(float(r) for r in ratios)
    return fitted(operands, numbers, wanted - zero, output.lo - zero, output.hi - zero, bits, inside)


def sum_rule(
    a: Represented, b: Represented, held: tuple[FixedFormat, FixedFormat], output: FixedFormat, kernel: Kernel
) -> tuple[int, int, Rule]:
    """Multipliers of both operands, and the rule for their sum."""
    codes = _pairs(*held)
    compute = float32.summed if kernel is Kernel.INTEGER else float32.added
    wanted = compute(*codes, _operand(a), _operand(b), output)
    step, inside = np.float32(output.one_scale), kernel.inside(output)
    ratios = (np.float32(a.scale[0]) / step, np.float32(b.scale[0]) / step)
    operands = np.stack([codes[0] - a.zero, codes[1] - b.zero], axis=1)
    found = _fitted(operands, ratios, wanted, output, SUM_BITS, inside)
    ma, mb = found.multipliers
    return ma, mb, _rule(found, len(a.scale), output, inside, sums=True)


def product_rule(
    a: Represented, b: Represented, held: tuple[FixedFormat, FixedFormat], output: FixedFormat, kernel: Kernel
) -> Rule | None:
    """The rule for the product of both operands; None where the scale alone tells as much."""
    codes = _pairs(*held)
    compute = float32.scaled if kernel is Kernel.INTEGER else float32.multiplied
    wanted = compute(*codes, _operand(a), _operand(b), output)
    ratio = np.float32(a.scale[0]) * np.float32(b.scale[0]) / np.float32(output.one_scale)
    products = (codes[0] - a.zero) * (codes[1] - b.zero)
    inside = kernel.inside(output)
    if not inside and _multiplied(products, ratio, output, wanted):
        return None
    found = _fitted(products[:, np.newaxis], (ratio,), wanted, output, MULTIPLIER_BITS, inside)
    return _rule(found, len(a.scale), output, inside)


def _multiplied(products: Array, ratio: np.float32, output: FixedFormat, wanted: Array) -> bool:
    """Whether the multiplier of float32, with its rounding to 24 bits, makes every result as wanted."""
    found = multipliers(np.array([float(ratio)]), Precision.EXACT)
    op = Requantize(output, output.lo, output.hi)
    return bool((op.evaluate(products[:, np.newaxis], found.multiplier, found.shift)[:, 0] == wanted).all())


def code_table(value: Represented, held: FixedFormat, op: Quantize) -> Array | None:
    """Codes in another format, for every code that `held` has; None where multipliers do it as exactly."""
    free, output = replace(value, lo=-np.inf, hi=np.inf), op.output
    if value.rule is not None or value.layer is not None or not is_codes(free, held, op):
        return None
    codes = np.arange(held.lo, held.hi + 1)
    wanted = float32.requantized(codes, _operand(value), output)
    made = requantization(free, Quantize(output), Precision.EXACT)
    parameters = [p[:1] for p in (made.multiplier, made.shift, made.bias) if p is not None]
    if (made.op.evaluate(codes[:, np.newaxis], *parameters)[:, 0] == wanted).all():
        return None
    return op.evaluate(np.clip(Dequantize(_format(value, held)).evaluate(codes), value.lo, value.hi))


def _format(value: Represented, held: FixedFormat) -> FixedFormat:
    return replace(held, scale=float(value.scale[0]), zero_point=value.zero)
