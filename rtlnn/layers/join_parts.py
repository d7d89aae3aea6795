"""The arithmetic that joins two elements: a sum, weighted or not, a product, the larger or the smaller one."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

from rtlnn.layers import dsp48e1, dsp48e2
from rtlnn.layers.arithmetic import Arithmetic, dsp_slices
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import registered
from rtlnn.layers.product_config import P_BITS, REGISTERED_PRODUCT

__all__ = ["JoinBody", "JoinFunction", "JoinParts", "combine"]

_SLICE_LATENCY = 4
"""Cycles from a slice's operands to its sum."""
_PORTS = {Arithmetic.DSP48E2: (27, 18), Arithmetic.DSP48E1: (25, 18)}
"""Bits of a multiplier's wide and narrow port, signed."""


class JoinFunction(Enum):
    """What becomes of a pair of elements, each without its zero point."""

    ADD = auto()
    MULTIPLY = auto()
    MAXIMUM = auto()
    MINIMUM = auto()


class JoinBody(Enum):
    """How it is computed.

    FABRIC : an adder or a comparison
    SLICES : in the slices' multipliers; of a weighted sum, the second adds what the first one hands on (PCOUT, PCIN)
    INFERRED : what the synthesis tool makes of `*` and `+`
    """

    FABRIC = auto()
    SLICES = auto()
    INFERRED = auto()


@dataclass(frozen=True)
class JoinParts:
    """The arithmetic of one lane: f(a - zeros[0], b - zeros[1]), modulo 2**acc_bits.

    Parameters
    ----------
    function : f
    bits, signed : of the elements of a and b
    zeros : zero points
    factor_bits : of the multipliers of a weighted sum, two's complement; 0 where both are 1
    acc_bits : of the result
    arithmetic : what multiplies
    """

    function: JoinFunction
    bits: tuple[int, int]
    signed: tuple[bool, bool]
    zeros: tuple[int, int]
    factor_bits: tuple[int, int]
    acc_bits: int
    arithmetic: Arithmetic

    @property
    def weighted(self) -> bool:
        return any(self.factor_bits)

    @cached_property
    def operand_bits(self) -> tuple[int, int]:
        """Bits of a - zeros[0] and b - zeros[1], two's complement."""
        result = []
        for bits, negative, zero in zip(self.bits, self.signed, self.zeros, strict=True):
            lo = -(1 << bits - 1) if negative else 0
            ends = lo - zero, lo + (1 << bits) - 1 - zero
            result.append(max(max(n, ~n).bit_length() + 1 for n in ends))
        return result[0], result[1]

    @cached_property
    def factors(self) -> tuple[tuple[int, int], ...]:
        """Bits of the two operands of each product."""
        if self.weighted:
            return tuple(zip(self.factor_bits, self.operand_bits, strict=True))
        return (self.operand_bits,) if self.function is JoinFunction.MULTIPLY else ()

    @cached_property
    def body(self) -> JoinBody:
        if not self.factors:
            return JoinBody.FABRIC
        wide, narrow = _PORTS.get(self.arithmetic, (0, 0))
        if all(max(pair) <= wide and min(pair) <= narrow for pair in self.factors):
            return JoinBody.SLICES
        return JoinBody.INFERRED

    @property
    def latency(self) -> int:
        """Cycles from operands and factors to the result."""
        match self.body:
            case JoinBody.FABRIC:
                return 1
            case JoinBody.SLICES:
                return _SLICE_LATENCY + len(self.factors) - 1
        return REGISTERED_PRODUCT + self.weighted

    def resources(self, looked_up: bool) -> Resources:
        """Of one lane, the registers of its operands included: two each if factors are `looked_up`."""
        a, b = self.operand_bits
        lut = sum(bits for bits, zero in zip((a, b), self.zeros, strict=True) if zero)
        own = Resources(lut=lut, ff=(a + b) * (1 + looked_up))
        match self.body:
            case JoinBody.FABRIC if self.function is JoinFunction.ADD:
                return own + Resources(lut=self.acc_bits, ff=self.acc_bits)
            case JoinBody.FABRIC:
                return own + Resources(lut=-(-3 * max(a, b) // 2), ff=self.acc_bits)
            case JoinBody.SLICES:
                dsp = len(self.factors)
                if not self.weighted:
                    return own + Resources(dsp=dsp)
                if not looked_up:
                    return own + Resources(ff=b, dsp=dsp)
                # of b there are three in a row
                return own + Resources(lut=b, ff=self.factor_bits[1] - 2 * b, dsp=dsp)
        products = [sum(pair) for pair in self.factors]
        total = self.acc_bits if self.weighted else 0
        dsp = sum(dsp_slices(*pair) for pair in self.factors)
        return own + Resources(lut=total, ff=sum(products) * REGISTERED_PRODUCT + total, dsp=dsp)


def combine(m: Module, c: JoinParts, operands: tuple[Value, Value], factors: tuple[Value, Value], name: str) -> Value:
    """The result, `c.latency` cycles after signed operands and factors."""
    x, y = operands
    pairs = list(zip(factors, operands, strict=True)) if c.weighted else [operands]
    match c.body:
        case JoinBody.SLICES:
            return _slices(m, c, pairs, name)[: c.acc_bits]
        case JoinBody.INFERRED:
            products = [
                registered(m, registered(m, a * b, f"{name}product{n}_1"), f"{name}product{n}_2")
                for n, (a, b) in enumerate(pairs)
            ]
            total = registered(m, sum(products, Const(0, 1)), f"{name}sum") if c.weighted else products[0]
            return (total + Const(0, signed(c.acc_bits)))[: c.acc_bits]
    match c.function:
        case JoinFunction.ADD:
            result: Value = x + y
        case JoinFunction.MAXIMUM:
            result = Mux(x > y, x, y)
        case _:
            result = Mux(x < y, x, y)
    return registered(m, (result + Const(0, signed(c.acc_bits)))[: c.acc_bits], f"{name}result")


def _slices(m: Module, c: JoinParts, pairs: list[tuple[Value, Value]], name: str) -> Signal:
    """Σ of the products, each slice a cycle later than the one before."""
    multiply_add = (dsp48e1 if c.arithmetic is Arithmetic.DSP48E1 else dsp48e2).multiply_add
    cascade, p = None, Signal(P_BITS)
    for n, pair in enumerate(pairs):
        late = [
            registered(m, v, f"{name}late{n}_{k}") if n and not isinstance(v, Const) else v for k, v in enumerate(pair)
        ]
        wide, narrow = sorted(late, key=len, reverse=True)
        p = Signal(signed(P_BITS), name=f"{name}p{n}")
        out = Signal(P_BITS, name=f"{name}pcout{n}")
        m.submodules[f"{name}dsp{n}"] = multiply_add(wide, Const(0, 1), narrow, p, cascade, out)
        cascade = out
    return p
