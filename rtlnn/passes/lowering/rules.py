"""Rules for codes of at most 8 bits that equal onnxruntime's arithmetic in float32, tried on every code there is."""

from dataclasses import replace
from enum import Enum

import numpy as np

from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Precision, Quantize, Rounding
from rtlnn.passes.lowering import float32
from rtlnn.passes.lowering.fitting import Fitted, fitted
from rtlnn.passes.lowering.float32 import Operand
from rtlnn.passes.lowering.represented import Represented, Rule
from rtlnn.passes.lowering.requantization import requantization

__all__ = ["Kernel", "is_codes", "product_rule", "sum_rule", "with_exact_rule"]

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


def _all_codes(held: FixedFormat) -> Array:
    return np.arange(held.lo, held.hi + 1)


def _pairs(a: FixedFormat, b: FixedFormat) -> tuple[Array, Array]:
    grid = np.meshgrid(_all_codes(a), _all_codes(b), indexing="ij")
    return grid[0].ravel(), grid[1].ravel()


def _operand(value: Represented) -> Operand:
    return Operand(float(value.scale[0]), value.zero)


def _rule(
    found: Fitted, channels: int, output: FixedFormat, inside: int, *, sums: bool = False, source: int = 0
) -> Rule:
    """The rule as found; for sums, which have their multipliers, or for integers with the zero point `source`."""
    multiplier = 1 if sums else found.multipliers[0]
    bias = found.bias - source * multiplier
    m, s, b = (np.full(channels, n, dtype=np.int64) for n in (multiplier, found.shift, bias))
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
) -> Rule:
    """The rule for the product of both operands."""
    codes = _pairs(*held)
    compute = float32.scaled if kernel is Kernel.INTEGER else float32.multiplied
    wanted = compute(*codes, _operand(a), _operand(b), output)
    ratio = np.float32(a.scale[0]) * np.float32(b.scale[0]) / np.float32(output.one_scale)
    products = (codes[0] - a.zero) * (codes[1] - b.zero)
    inside = kernel.inside(output)
    found = _fitted(products[:, np.newaxis], (ratio,), wanted, output, MULTIPLIER_BITS, inside)
    return _rule(found, len(a.scale), output, inside)


def with_exact_rule(value: Represented, held: FixedFormat, op: Quantize) -> Represented:
    """Codes that are requantized, with a rule where multipliers for their scale alone would differ somewhere."""
    free, output = replace(value, lo=-np.inf, hi=np.inf), op.output
    if value.rule is not None or value.layer is not None or not is_codes(free, held, op):
        return value
    codes = _all_codes(held)
    wanted = float32.requantized(codes, _operand(value), output)
    made = requantization(free, Quantize(output), Precision.EXACT)
    parameters = [p[:1] for p in (made.multiplier, made.shift, made.bias) if p is not None]
    if (made.op.evaluate(codes.reshape(-1, 1), *parameters).ravel() == wanted).all():
        return value
    ratio = np.float32(value.scale[0]) / np.float32(output.one_scale)
    found = _fitted(codes[:, np.newaxis] - value.zero, (ratio,), wanted, output, MULTIPLIER_BITS, 0)
    return value if found.wrong else replace(value, rule=_rule(found, len(value.scale), output, 0, source=value.zero))
