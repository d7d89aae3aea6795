"""Requantization in hardware: scale, round half to even, clip."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.arithmetic import dsp_slices
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed, registered

__all__ = ["BiasAdder", "BiasConfig", "RequantizeConfig", "Requantizer"]

FRACTION_BITS = 25
"""Bits of the fraction that decide a rounding; what lies below is one sticky bit. A float32 product has 24 significant
bits, so that the first rounding of a number of at least 1/2 touches no bit above 2**-25."""


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
    def latency(self) -> int:
        return 1

    @property
    def resources(self) -> Resources:
        width = self.lanes * self.acc_bits
        return Resources(lut=width, ff=width + 1)


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
            total = self.acc.word_select(lane, bits) + self.parameters.word_select(lane, bits)
            m.d.sync += self.y.word_select(lane, bits).eq(total)
        m.d.sync += self.done.eq(self.valid)
        return m


@dataclass(frozen=True)
class RequantizeConfig:
    """y = clip(round(((acc + bias)·multiplier + offset) / 2**shift) + zero_point, lo, hi) for `lanes` values a cycle.

    Parameters
    ----------
    lanes : values in parallel
    acc_bits, acc_signed : the sums, before and after the bias is added
    multiplier_bits : two's complement
    offset_bits : two's complement; 0 where there is no offset
    shift_lo, shift_hi : the shifts in use
    out_bits, out_signed : the result
    zero_point, lo, hi : as in `rtlnn.ops.Requantize`
    float32 : round the product to 24 significant bits first
    """

    lanes: int
    acc_bits: int
    acc_signed: bool
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

    @property
    def signed(self) -> bool:
        return self.out_signed

    @property
    def shift_bits(self) -> int:
        return (self.shift_hi - self.shift_lo).bit_length()

    @property
    def parameter_bits(self) -> int:
        """Bits of one channel's parameters: bias, multiplier, offset, shift - shift_lo, from bit 0 up."""
        return self.acc_bits + self.multiplier_bits + self.offset_bits + self.shift_bits

    @property
    def whole_bits(self) -> int:
        """Bits of the rounded quotient: the nearest of so many bits is clipped to the same result as any beyond."""
        return max((self.hi - self.zero_point).bit_length(), (self.zero_point - self.lo).bit_length(), 1) + 1

    @property
    def latency(self) -> int:
        return 7

    @property
    def resources(self) -> Resources:
        product = self.acc_bits + self.multiplier_bits
        dsp = dsp_slices(self.multiplier_bits, self.acc_bits + (not self.acc_signed))
        lut = self.acc_bits + product * self.shift_bits // 2 + (110 if self.float32 else 60)
        ff = product * 2 + self.acc_bits + self.multiplier_bits + 2 * FRACTION_BITS + 3 * self.out_bits + 20
        return Resources(lut=self.lanes * lut, ff=self.lanes * ff, dsp=self.lanes * dsp)

    def parameter_word(self, bias: int, multiplier: int, offset: int, shift: int) -> int:
        """The parameters of one channel, as one word of the parameter memory."""
        word = position = 0
        fields = (
            (bias, self.acc_bits),
            (multiplier, self.multiplier_bits),
            (offset, self.offset_bits),
            (shift - self.shift_lo, self.shift_bits),
        )
        for value, bits in fields:
            word |= (value & ((1 << bits) - 1)) << position
            position += bits
        return word


class Requantizer(wiring.Component):
    """Free-running pipeline of `lanes` requantizations a cycle; latency 7 cycles.

    Members
    -------
    acc, parameters, valid : in, the sums and their channels' parameters
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
        m.d.sync += self.done.eq(delayed(m, self.valid, self.config.latency - 1, "valid", reset=True))
        return m

    def _lane(self, m: Module, acc: Value, parameters: Value, name: str) -> Value:
        """One value, up to the last register."""
        c = self.config
        at = c.acc_bits
        bias = parameters[:at]
        multiplier = parameters[at : at + c.multiplier_bits].as_signed()
        at += c.multiplier_bits
        offset = parameters[at : at + c.offset_bits]
        shift = parameters[at + c.offset_bits :]
        total = (acc + bias)[: c.acc_bits]
        total = registered(m, total.as_signed() if c.acc_signed else total, f"{name}total")
        multiplier = registered(m, multiplier, f"{name}multiplier")
        product = delayed(m, total * multiplier, 2, f"{name}product")
        if c.offset_bits:
            product = product + delayed(m, offset.as_signed(), 3, f"{name}offset")
        aligned, sticky = self._aligned(m, product, delayed(m, shift, 3, f"{name}shift"), name)
        return self._rounded(m, aligned, sticky, name)

    def _aligned(self, m: Module, product: Value, shift: Value, name: str) -> tuple[Value, Value]:
        """The product with FRACTION_BITS bits below the binary point (2 cycles), and whether any bit was lost."""
        c = self.config
        # the point lies `shift_lo` bits up, and all shifts beyond that one are to the right
        lost = c.shift_lo - FRACTION_BITS
        wide = product.shift_left(-lost).as_signed() if lost < 0 else product
        missing = FRACTION_BITS + 1 - len(wide)
        if missing > 0:  # even the largest product lies below the binary point
            wide = Cat(wide, wide[-1].replicate(missing)).as_signed()
        below = Const(0, 1)
        for n in reversed(range(c.shift_bits)):
            by = 1 << n
            below = below | (shift[n] & wide[:by].any())
            wide = Mux(shift[n], wide >> by, wide)
        if lost > 0:
            below = below | wide[:lost].any()
            wide = wide >> lost
        # a result far beyond the clip bounds is only known by its sign
        whole = wide >> FRACTION_BITS
        keep = c.whole_bits
        if len(whole) > keep:
            over = Signal(name=f"{name}over")
            top = whole[keep - 1 :]
            m.d.comb += over.eq(top.any() & ~top.all())
            limit = Cat((~whole[-1]).replicate(keep - 1), whole[-1])
            whole = Mux(over, limit, whole[:keep])
        fraction = registered(m, wide[:FRACTION_BITS], f"{name}fraction_1")
        # two registers: the shifter is as deep as the saturation behind it
        number = registered(m, whole[:keep], f"{name}whole_1")
        value = Cat(fraction, number).as_signed()
        return registered(m, value, f"{name}value"), delayed(m, below, 2, f"{name}sticky")

    def _rounded(self, m: Module, value: Value, sticky: Value, name: str) -> Value:
        """Round, add the zero point, clip (1 cycle, and what is left for the last register)."""
        c = self.config
        fraction, whole = value[:FRACTION_BITS], value[FRACTION_BITS:].as_signed()
        # twice the distance from the tie, and how far from it a float32 product still rounds to it
        distance = Cat(sticky, fraction[:-1], ~fraction[-1], ~fraction[-1]).as_signed()
        reach = Signal(range((1 << len(whole)) + 1), name=f"{name}reach")
        if c.float32:
            magnitude = (whole ^ whole[-1].replicate(len(whole)))[: len(whole) - 1]
            m.d.comb += reach.eq(1)
            for n in range(len(magnitude)):
                with m.If(magnitude[n]):
                    m.d.comb += reach.eq(2 << n)
        # a tie goes up from an odd number: then all that is not below -reach does, else only what is above reach
        odd = whole[0]
        limit = Cat(odd, reach ^ odd.replicate(len(reach)), odd).as_signed()
        up = registered(m, distance > limit, f"{name}up")
        whole = registered(m, whole, f"{name}whole")
        total = whole + up + c.zero_point
        result = Signal(total.shape(), name=f"{name}result")
        m.d.comb += result.eq(total)
        return Mux(result < c.lo, c.lo, Mux(result > c.hi, c.hi, result))
