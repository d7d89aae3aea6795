"""The product in a requantization: which body it has, what it takes, how long it lasts."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from rtlnn.layers.adder import adder_luts
from rtlnn.layers.arithmetic import Arithmetic, dsp_slices
from rtlnn.layers.component import Resources
from rtlnn.layers.dsp48e2 import A_BITS, B_BITS, CASCADE_SHIFT
from rtlnn.layers.product_serial import serial_turns

__all__ = ["P_BITS", "REGISTERED_PRODUCT", "ProductBody", "ProductConfig"]

P_BITS = 48
"""Bits of a slice's result."""
REGISTERED_PRODUCT = 2
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
    ProductBody.NARROW: (B_BITS, A_BITS, P_BITS - 1),
    ProductBody.WIDE: (A_BITS, B_BITS, P_BITS - 1),
    ProductBody.AGAIN: (A_BITS, B_BITS + CASCADE_SHIFT, 0),
    ProductBody.CASCADE: (A_BITS, B_BITS + CASCADE_SHIFT, P_BITS - 1 + CASCADE_SHIFT),
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
                return 1 + REGISTERED_PRODUCT + (self.offset_bits > 0)
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
        adder = adder_luts(self.sum_bits) if self.adder and self.biased else 0
        match self.body:
            case ProductBody.SHIFT:
                return Resources(lut=adder, ff=registers)
            case ProductBody.INFERRED:
                dsp = dsp_slices(self.multiplier_bits, self._signed_bits)
                registers += self.multiplier_bits + 2 * (self._signed_bits + self.multiplier_bits)
                if self.arithmetic is Arithmetic.DSP48E1:
                    # a slice takes in what is before and behind it; of two, what the lower one has before the sum
                    product = self._signed_bits + self.multiplier_bits - 1
                    registers = (CASCADE_SHIFT + product) * (dsp > 1)
                offset = adder_luts(self.bits) if self.offset_bits else 0
                # a product of several slices is a sum in the fabric
                return Resources(adder + offset + 12 * (dsp - 1), registers + self.bits * (self.offset_bits > 0), dsp)
            case ProductBody.SERIAL:
                number = self._signed_bits
                return Resources(
                    adder + adder_luts(number + 2) + 2 * number + 6,
                    registers + 2 * number + 4 + self.multiplier_bits + 4,
                )
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
