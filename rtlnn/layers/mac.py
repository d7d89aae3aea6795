"""The multiply-accumulate array: `pe` sums of products, `simd` products each a cycle."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.adder import add, adder_luts, grown
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed, reduce_tree, registered, tree_ff, tree_latency

__all__ = ["InferredMacArray", "MacConfig", "WeightSlice"]


@dataclass(frozen=True)
class WeightSlice:
    """A part of the weights that an array takes at one time, and so a memory of its own.

    Parameters
    ----------
    delay : cycles that its word comes later than the step on `x`
    order : the weights of a word, (pe, input), from bit 0 up
    """

    delay: int
    order: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class MacConfig:
    """Sizes of a multiply-accumulate array.

    Parameters
    ----------
    pe : sums (output channels) in parallel
    simd : products a sum and cycle
    x_bits, x_signed : the activations
    w_bits : the weights, two's complement
    acc_bits : the sums, two's complement; they wrap, so only the final sum must fit
    positions : output positions at once, all with the same weights
    blocks : groups of channels at once, each with pe / blocks of the sums, and activations of its own
    """

    pe: int
    simd: int
    x_bits: int
    x_signed: bool
    w_bits: int
    acc_bits: int
    positions: int = 1
    blocks: int = 1

    @property
    def sums(self) -> int:
        """Sums that a pass delivers."""
        return self.positions * self.pe

    @property
    def slices(self) -> tuple[WeightSlice, ...]:
        """The memories of the weights."""
        return (WeightSlice(0, tuple((pe, n) for pe in range(self.pe) for n in range(self.simd))),)

    @property
    def slice_sizes(self) -> tuple[int, ...]:
        """Weights in each slice's word."""
        return (self.pe * self.simd,)

    @property
    def latency(self) -> int:
        """Cycles from a pass's last step on `x` to its sums on `acc`."""
        return 3 + tree_latency(self.simd)

    @property
    def resources(self) -> Resources:
        """One DSP slice a product of 9 bits or more; narrower ones are made of LUTs."""
        product = self.x_bits + self.w_bits
        in_dsp = product >= 9
        products = self.sums * self.simd
        lut = self.sums * (adder_luts(self.acc_bits) + 2) + self.sums * (self.simd - 1) * adder_luts(product + 1)
        factors = self.simd * (self.positions * self.blocks * self.x_bits + self.pe * self.w_bits)
        ff = self.sums * (self.acc_bits + self.simd * product + tree_ff(self.simd, product, 1)) + 3 * self.latency
        ff += factors
        if not in_dsp:
            lut += products * self.x_bits * self.w_bits // 2
        return Resources(lut=lut, ff=ff, dsp=products if in_dsp else 0)


class InferredMacArray(wiring.Component):
    """The portable body: multiplications for the synthesizer to place, an adder tree, an accumulator per PE.

    Factors and products are registered: a block RAM's data are late, and multipliers are slow.

    Latency: the sum of a pass is on `acc` for one cycle, `config.latency` cycles after its last step was on `x`.

    Members
    -------
    x, valid, first, last : in, a step of a pass; input n of block b of position p is element
        (p * blocks + b) * simd + n
    weights : in, the word that belongs to the step; weight n of channel c is element c * simd + n
    acc : out, the sums; channel c of position p is element p * pe + c
    done : out, with `acc`: a pass is complete
    early : out, `done` one cycle ahead
    """

    def __init__(self, config: MacConfig) -> None:
        self.config = config
        super().__init__(
            {
                "x": In(config.positions * config.blocks * config.simd * config.x_bits),
                "weights": In(config.pe * config.simd * config.w_bits),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "acc": Out(config.sums * config.acc_bits),
                "done": Out(1),
                "early": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        x_shape = signed(c.x_bits) if c.x_signed else unsigned(c.x_bits)
        inputs, weights = registered(m, self.x, "inputs"), registered(m, self.weights, "factors")
        for number in range(c.sums):
            position, pe = divmod(number, c.pe)
            block = position * c.blocks + pe * c.blocks // c.pe
            products = []
            for n in range(c.simd):
                x = inputs.word_select(block * c.simd + n, c.x_bits)
                w = weights.word_select(pe * c.simd + n, c.w_bits).as_signed()
                x = x.as_signed() if x_shape.signed else x
                products.append(registered(m, x * w, f"product{number}_{n}"))
            total, tree = reduce_tree(m, products, lambda a, b: grown(m, a, b, "pair"), f"sum{number}_")
            if number == 0:
                valid = delayed(m, self.valid, 2 + tree, "valid", reset=True)
                first = delayed(m, self.first, 2 + tree, "first")
                last = delayed(m, self.last, 2 + tree, "last")
            acc = Signal(signed(c.acc_bits), name=f"acc{number}")
            following = add(m, total, Mux(first, 0, acc), c.acc_bits, f"acc{number}")
            with m.If(valid):
                m.d.sync += acc.eq(following)
            m.d.comb += self.acc.word_select(number, c.acc_bits).eq(acc)
        m.d.comb += self.early.eq(valid & last)
        m.d.sync += self.done.eq(self.early)
        return m
