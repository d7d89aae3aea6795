"""Requantization in hardware: scale, round half to even, clip."""

from dataclasses import dataclass, replace
from functools import cached_property

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.adder import add, adder_luts
from rtlnn.layers.alignment import Alignment, align
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.product import Product
from rtlnn.layers.product_config import ProductConfig
from rtlnn.layers.rounding import Rounding

__all__ = ["BiasAdder", "BiasConfig", "RequantizeConfig", "Requantizer"]

FLOAT32_BITS = 24
"""Significant bits of a float32."""


@dataclass(frozen=True)
class BiasConfig:
    """Sums of `acc_bits` bits, to which a bias is added; `signed` is the result's format."""

    lanes: int
    acc_bits: int
    signed: bool

    @property
    def parameter_bits(self) -> int:
        return self.acc_bits

    @property
    def out_bits(self) -> int:
        return self.acc_bits

    @property
    def adds(self) -> bool:
        """Whether an adder comes right behind the sums."""
        return True

    @property
    def spacing(self) -> int:
        """Cycles from one value to the next."""
        return 1

    @property
    def latency(self) -> int:
        return 1

    @property
    def resources(self) -> Resources:
        width = self.lanes * self.acc_bits
        return Resources(lut=self.lanes * adder_luts(self.acc_bits), ff=width + 1)


class BiasAdder(wiring.Component):
    """Where no requantization follows: sums plus bias, modulo 2**acc_bits; latency 1 cycle."""

    def __init__(self, config: BiasConfig) -> None:
        self.config = config
        width = config.lanes * config.acc_bits
        super().__init__({"acc": In(width), "parameters": In(width), "valid": In(1), "y": Out(width), "done": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self.config.acc_bits
        for lane in range(self.config.lanes):
            total = self.acc.word_select(lane, bits), self.parameters.word_select(lane, bits)
            m.d.sync += self.y.word_select(lane, bits).eq(add(m, *total, bits, f"total{lane}"))
        m.d.sync += self.done.eq(self.valid)
        return m


@dataclass(frozen=True)
class RequantizeConfig:
    """y = clip(round(((acc + bias)·multiplier + offset) / 2**shift) + zero_point, lo, hi) for `lanes` values a cycle.

    Parameters
    ----------
    lanes : values in parallel
    acc_bits, acc_signed : the sums, before and after the bias is added
    biased : whether there is a bias
    multiplier_bits : two's complement; 0 where every multiplier is 1
    offset_bits : two's complement; 0 where there is no offset, as where there is no multiplier
    shift_lo, shift_hi : the shifts in use
    out_bits, out_signed : the result
    zero_point, lo, hi : as in `rtlnn.ops.Requantize`
    float32 : round the product to 24 significant bits first
    arithmetic : what multiplies
    spacing : cycles from one value to the next, at least
    """

    lanes: int
    acc_bits: int
    acc_signed: bool
    biased: bool
    multiplier_bits: int
    offset_bits: int
    shift_lo: int
    shift_hi: int
    out_bits: int
    out_signed: bool
    zero_point: int
    lo: int
    hi: int
    float32: bool
    arithmetic: Arithmetic
    spacing: int = 1

    @property
    def signed(self) -> bool:
        return self.out_signed

    @cached_property
    def _narrow(self) -> ProductConfig:
        """The product without any shift."""
        widths = self.acc_bits, self.acc_signed, self.biased, self.multiplier_bits, self.offset_bits
        return ProductConfig(*widths, self.arithmetic, self.spacing)

    @cached_property
    def alignment(self) -> Alignment:
        return Alignment(self.shift_lo, self.shift_hi, self._narrow.room)

    @cached_property
    def product(self) -> ProductConfig:
        """The product, with multipliers that are moved up."""
        fold = self.alignment.fold
        multiplier = self.multiplier_bits + fold if self.multiplier_bits else 0
        offset = self.offset_bits + fold if self.offset_bits else 0
        return replace(self._narrow, multiplier_bits=multiplier, offset_bits=offset)

    @cached_property
    def rounding(self) -> Rounding:
        """Products of up to 24 bits are float32 numbers already."""
        twice = self.float32 and self.acc_bits + max(self.multiplier_bits - 1, 0) - self.acc_signed > FLOAT32_BITS
        return Rounding(self.zero_point, self.lo, self.hi, twice)

    @property
    def _fields(self) -> tuple[int, int, int, int]:
        """Bits of bias, multiplier, offset and the shifter's place."""
        bias = self.acc_bits if self.biased else 0
        return bias, self.product.multiplier_bits, self.product.offset_bits, self.alignment.place_bits

    @property
    def parameter_bits(self) -> int:
        """Bits of one channel's parameters: bias, multiplier, offset, place, from bit 0 up."""
        return sum(self._fields)

    @property
    def adds(self) -> bool:
        """Whether an adder comes right behind the sums."""
        return self.biased and self.product.adder

    @property
    def latency(self) -> int:
        """Cycles from the sums to the results."""
        return self.product.latency + self.alignment.latency + self.rounding.latency + 1

    @property
    def resources(self) -> Resources:
        useless = max(self.alignment.point - self.rounding.fraction_bits, 0)
        number = max(self.product.bits - useless, 1)
        lane = self.product.resources(useless) + self.alignment.resources(number) + self.rounding.resources
        lut = lane.lut + -(-min(useless, self.product.bits) // 5)
        return Resources(self.lanes * lut, self.lanes * (lane.ff + self.out_bits) + self.latency, self.lanes * lane.dsp)

    def parameter_word(self, bias: int, multiplier: int, offset: int, shift: int) -> int:
        """The parameters of one channel, as one word of the parameter memory."""
        up, place = self.alignment.split(shift)
        word = position = 0
        for value, bits in zip((bias, multiplier << up, offset << up, place), self._fields, strict=True):
            word |= (value & ((1 << bits) - 1)) << position
            position += bits
        return word


class Requantizer(wiring.Component):
    """Free-running pipeline of `lanes` requantizations in `spacing` cycles; latency: `config.latency` cycles.

    Members
    -------
    acc, parameters, valid : in, the sums and their channels' parameters, which stay for `spacing` cycles
    y, done : out, the results
    """

    def __init__(self, config: RequantizeConfig) -> None:
        self.config = config
        super().__init__(
            {
                "acc": In(config.lanes * config.acc_bits),
                "parameters": In(config.lanes * config.parameter_bits),
                "valid": In(1),
                "y": Out(config.lanes * config.out_bits),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        for lane in range(c.lanes):
            acc = self.acc.word_select(lane, c.acc_bits)
            parameters = self.parameters.word_select(lane, c.parameter_bits)
            m.d.sync += self.y.word_select(lane, c.out_bits).eq(self._lane(m, acc, parameters, f"lane{lane}_"))
        m.d.sync += self.done.eq(delayed(m, self.valid, c.latency - 1, "valid", reset=True))
        return m

    def _lane(self, m: Module, acc: Value, parameters: Value, name: str) -> Value:
        """One value, up to the last register."""
        c = self.config
        fields, at = [], 0
        for bits in c._fields:
            fields.append(parameters[at : at + bits])
            at += bits
        bias, multiplier, offset, place = fields
        fraction = c.rounding.fraction_bits
        useless = max(c.alignment.point - fraction, 0)
        product = Product.of(m, c.product, (acc, bias), (multiplier, offset), self.valid, useless, name)
        place = delayed(m, place, c.product.latency, f"{name}place")
        point = c.alignment.point - product.dropped
        number = align(m, c.alignment, product.value, point, product.rest, place, fraction, name)
        return c.rounding.result(m, number, name)
