"""The product in a requantization, in the multipliers that the chip has: (sum + bias)·multiplier + offset."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from rtlnn.layers.arithmetic import Arithmetic, dsp_slices
from rtlnn.layers.component import Resources
from rtlnn.layers.dsp48e2 import A_BITS, B_BITS, CASCADE_SHIFT, Operand, multiply_again, multiply_shifted
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.product_serial import serial_product, serial_turns

__all__ = ["Product", "ProductBody", "ProductConfig"]

_P_BITS = 48
_REGISTERED_PRODUCT = 2
"""Registers behind an inferred multiplier, which a synthesis tool may move into it."""


class ProductBody(Enum):
    """How it is multiplied.

    SHIFT : every multiplier is 1
    NARROW : one slice, the multiplier on its wide port and the sum on its narrow one
    WIDE : one slice, the sum on its wide port, where the pre-adder adds the bias
    CASCADE : two slices, for the multiplier's lower 17 bits and for the rest, joined by P >> 17
    AGAIN : one slice for both parts, one after the other, where every other cycle is free
    SERIAL : an adder, for two bits of the multiplier a cycle, where results come that seldom
    INFERRED : what the synthesis tool makes of `*`
    """

    SHIFT = auto()
    NARROW = auto()
    WIDE = auto()
    CASCADE = auto()
    AGAIN = auto()
    SERIAL = auto()
    INFERRED = auto()


_PORTS = {
    ProductBody.NARROW: (B_BITS, A_BITS, _P_BITS - 1),
    ProductBody.WIDE: (A_BITS, B_BITS, _P_BITS - 1),
    ProductBody.AGAIN: (A_BITS, B_BITS + CASCADE_SHIFT, 0),
    ProductBody.CASCADE: (A_BITS, B_BITS + CASCADE_SHIFT, _P_BITS - 1 + CASCADE_SHIFT),
}
"""The most bits of sum, multiplier and offset, in order of cost; an offset leaves room for its sum with the product."""


@dataclass(frozen=True)
class ProductConfig:
    """Widths, in two's complement.

    Parameters
    ----------
    sum_bits, sum_signed : the sums, before and after the bias is added modulo 2**sum_bits
    biased : whether there is a bias at all
    multiplier_bits : 0 where every multiplier is 1
    offset_bits : 0 where there is no offset; there is none without multipliers
    arithmetic : what multiplies
    spacing : cycles from one sum to the next, at least; meanwhile sum and parameters stay
    """

    sum_bits: int
    sum_signed: bool
    biased: bool
    multiplier_bits: int
    offset_bits: int
    arithmetic: Arithmetic
    spacing: int = 1

    @property
    def _signed_bits(self) -> int:
        return self.sum_bits + (not self.sum_signed)

    @cached_property
    def body(self) -> ProductBody:
        if self.multiplier_bits == 0:
            return ProductBody.SHIFT
        if self.spacing > serial_turns(self.multiplier_bits) and self.offset_bits == 0:
            return ProductBody.SERIAL
        if self.arithmetic is Arithmetic.DSP48E2:
            widths = self._signed_bits, self.multiplier_bits, self.offset_bits
            for body, most in _PORTS.items():
                if body is ProductBody.AGAIN and self.spacing == 1:
                    continue
                if all(bits <= limit for bits, limit in zip(widths, most, strict=True)):
                    return body
        return ProductBody.INFERRED

    @property
    def room(self) -> int:
        """Bits by which multiplier and offset may be wider at no cost."""
        if self.body not in _PORTS:
            return 0
        _, multiplier, offset = _PORTS[self.body]
        return min(multiplier - self.multiplier_bits, offset - self.offset_bits if self.offset_bits else multiplier)

    @property
    def adder(self) -> bool:
        """Whether there is an adder for the bias: the pre-adder wraps signed numbers alone, far above the offset."""
        if self.body in (ProductBody.WIDE, ProductBody.AGAIN, ProductBody.CASCADE):
            return self.biased and not (self.sum_signed and self.offset_bits == 0)
        return self.biased or self.body in (ProductBody.SHIFT, ProductBody.SERIAL, ProductBody.INFERRED)

    @property
    def pre_adder(self) -> bool:
        """Whether the slices add the bias."""
        return self.biased and not self.adder

    @property
    def lift(self) -> int:
        """Zeros below the sum on the wide port, so that the pre-adder wraps where the sum does."""
        return A_BITS - self.sum_bits if self.pre_adder else 0

    @property
    def latency(self) -> int:
        """Cycles from sum and parameters to the product."""
        match self.body:
            case ProductBody.SHIFT:
                return 1
            case ProductBody.INFERRED:
                return 1 + _REGISTERED_PRODUCT + (self.offset_bits > 0)
            case ProductBody.SERIAL:
                return serial_turns(self.multiplier_bits) + 2
        # ports, the pre-adder's sum, product, P
        return self.adder + 3 + self.pre_adder + (self.body in (ProductBody.AGAIN, ProductBody.CASCADE))

    @property
    def bits(self) -> int:
        """Of the product with its offset."""
        product = self._signed_bits + self.multiplier_bits
        return max(product, self.offset_bits) + 1 if self.offset_bits else product

    def resources(self, useless: int) -> Resources:
        """Of a product whose lowest `useless` bits only matter as a whole."""
        registers = self.sum_bits if self.adder else 0
        adder = self.sum_bits if self.adder and self.biased else 0
        match self.body:
            case ProductBody.SHIFT:
                return Resources(lut=adder, ff=registers)
            case ProductBody.INFERRED:
                dsp = dsp_slices(self.multiplier_bits, self._signed_bits)
                registers += self.multiplier_bits + 2 * (self._signed_bits + self.multiplier_bits)
                offset = self.bits if self.offset_bits else 0
                # a product of several slices is a sum in the fabric
                return Resources(adder + offset + 12 * (dsp - 1), registers + offset, dsp)
            case ProductBody.SERIAL:
                number = self._signed_bits
                return Resources(adder + 3 * number + 8, registers + 2 * number + 4 + self.multiplier_bits + 4)
            case ProductBody.AGAIN:
                low = max(CASCADE_SHIFT - useless, 0) + 1
                return Resources(
                    adder + B_BITS + -(-min(useless, CASCADE_SHIFT) // 5), registers + low + self.latency - 1, 1
                )
            case ProductBody.CASCADE:
                late = (self.multiplier_bits - CASCADE_SHIFT) * (self.adder or self.pre_adder)
                late += self.sum_bits * self.pre_adder + max(CASCADE_SHIFT - useless, 0) + 1
                return Resources(
                    adder + -(-min(useless, CASCADE_SHIFT) // 5), registers + late + 2 * self.offset_bits, 2
                )
        return Resources(adder, registers + (self.latency - 2) * self.offset_bits, 1)


@dataclass(frozen=True)
class Product:
    """A product in hardware: `value`·2**`dropped`, and whether what was dropped is not zero."""

    value: Value
    dropped: int
    rest: Value

    @classmethod
    def of(
        cls,
        m: Module,
        c: ProductConfig,
        total: tuple[Value, Value],
        factors: tuple[Value, Value],
        valid: Value,
        useless: int,
        name: str,
    ) -> "Product":
        """The product, `c.latency` cycles later.

        `total` are sum and bias, `factors` multiplier and offset; `valid` says when they come. Of the lowest `useless`
        bits it only matters whether they are all zero.
        """
        acc, bias = total
        multiplier, offset = factors
        acc = acc.as_signed() if c.sum_signed else acc
        if c.adder:
            acc = (acc + bias)[: c.sum_bits]
            acc = registered(m, acc.as_signed() if c.sum_signed else acc, f"{name}total")
        match c.body:
            case ProductBody.SHIFT:
                return cls(acc if c.sum_signed else Cat(acc, Const(0, 1)).as_signed(), 0, Const(0, 1))
            case ProductBody.INFERRED:
                multiplier = registered(m, multiplier.as_signed(), f"{name}multiplier")
                value = delayed(m, acc * multiplier, _REGISTERED_PRODUCT, f"{name}product")
                if c.offset_bits:
                    offset = delayed(m, offset.as_signed(), 1 + _REGISTERED_PRODUCT, f"{name}offset")
                    value = registered(m, (value + offset)[: c.bits].as_signed(), f"{name}moved")
                return cls(value, 0, Const(0, 1))
            case ProductBody.SERIAL:
                number = acc if c.sum_signed else Cat(acc, Const(0, 1)).as_signed()
                start = registered(m, valid, f"{name}start", reset=True)
                return cls(*serial_product(m, number, multiplier, start, useless, name))
        slices = _Slices(m, c, (acc, bias), factors, name)
        if c.body is ProductBody.CASCADE:
            return cls(*slices.cascade(useless))
        if c.body is ProductBody.AGAIN:
            return cls(*slices.again(valid, useless))
        return cls(slices.narrow() if c.body is ProductBody.NARROW else slices.wide(), 0, Const(0, 1))


class _Slices:
    """The bodies of DSP48E2 slices."""

    def __init__(
        self, m: Module, c: ProductConfig, total: tuple[Value, Value], factors: tuple[Value, Value], name: str
    ) -> None:
        self._m, self._c, self._name = m, c, name
        self._acc, self._bias = total
        # wide enough to be cut for a cascade
        self._multiplier, self._offset = (_extended(v, CASCADE_SHIFT + 1) for v in factors)
        self._cascade: Signal | None = None

    def narrow(self) -> Value:
        # the multiplier waits in the slice for the sum with the bias
        p = self._slice(0, Operand(self._multiplier, 1 + self._early), None, Operand(self._acc, 1), self._offset)
        return p[: self._c.bits].as_signed()

    def wide(self) -> Value:
        p = self._slice(0, *self._sum(0), Operand(self._multiplier, 1 + self._early), self._offset)
        return p[self._c.lift :][: self._c.bits].as_signed()

    def cascade(self, useless: int) -> tuple[Value, int, Value]:
        m, at = self._m, CASCADE_SHIFT
        low = self._slice(0, *self._sum(0), Operand(self._multiplier[:at], 1 + self._early), self._offset[:at])
        factor = delayed(m, self._multiplier[at:].as_signed(), self._early, f"{self._name}high")
        offset = delayed(m, self._offset[at:].as_signed(), 1, f"{self._name}offset")
        high = self._slice(1, *self._sum(1), Operand(factor, 2), offset)
        return self._joined(low, high, useless)

    def again(self, valid: Value, useless: int) -> tuple[Value, int, Value]:
        m, c, at = self._m, self._c, CASCADE_SHIFT
        second = registered(m, valid, f"{self._name}second", reset=True)
        factor = Mux(second, self._multiplier[at:].as_signed(), self._multiplier[:at])
        p, cascade = Signal(_P_BITS, name=f"{self._name}p0"), Signal(_P_BITS, name=f"{self._name}pcout0")
        # as much later as `multiply_again` wants it
        turn = delayed(m, second, c.latency - 3, f"{self._name}turn", reset=True)
        instance = multiply_again(*self._sum(0), Operand(factor, 1 + self._early), p, cascade, turn)
        m.submodules[f"{self._name}dsp0"] = instance
        return self._joined(p, p, useless)

    def _joined(self, low: Value, high: Value, useless: int) -> tuple[Value, int, Value]:
        """The lower bits come from the first product, one cycle early."""
        m, c, at = self._m, self._c, CASCADE_SHIFT
        first = c.lift + min(useless, at - c.lift)
        rest = registered(m, low[c.lift : first].any(), f"{self._name}rest") if first > c.lift else Const(0, 1)
        kept = [registered(m, low[first:at], f"{self._name}low")] if first < at else []
        return Cat(*kept, high)[: c.bits + c.lift - first].as_signed(), first - c.lift, rest

    @property
    def _early(self) -> int:
        """Cycles by which the multiplier is there before the operand that it meets."""
        return self._c.adder + self._c.pre_adder

    def _sum(self, number: int) -> tuple[Operand, Value | None]:
        """A and D of slice `number`, which is as many cycles later."""
        c = self._c
        if not c.pre_adder:
            return Operand(self._acc, 1 + number), None
        zeros = [Const(0, c.lift)] if c.lift else []
        bias = delayed(self._m, self._bias, number, f"{self._name}bias")
        return Operand(Cat(*zeros, self._acc).as_signed(), 1 + number), Cat(*zeros, bias).as_signed()

    def _slice(self, number: int, a: Operand, d: Value | None, b: Operand, offset: Value) -> Signal:
        c = self._c
        p = Signal(_P_BITS, name=f"{self._name}p{number}")
        cascade = Signal(_P_BITS, name=f"{self._name}pcout{number}")
        addend: Value | None = None
        if c.offset_bits:
            # registered once in the slice, added in its last cycle
            slice_latency = c.latency - (c.body is ProductBody.CASCADE)
            addend = delayed(self._m, offset, slice_latency - 2, f"{self._name}c{number}")
        instance = multiply_shifted(a, d, b, addend, p, self._cascade, cascade)
        self._m.submodules[f"{self._name}dsp{number}"] = instance
        self._cascade = cascade
        return p


def _extended(value: Value, bits: int) -> Value:
    """Sign-extended to at least so many bits."""
    return (
        (value.as_signed() + Const(0, signed(bits)))[: max(bits, len(value))].as_signed()
        if len(value)
        else Const(0, signed(bits))
    )
