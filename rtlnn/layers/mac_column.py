"""A column of the packed array: cascades of DSP slices, and what turns their lanes into one or two sums.

The DSP's pre-adder forms high·2^k + low, its multiplier the product with what both share, and P of one slice feeds the
next (PCOUT → PCIN), so that a chain delivers Σ high·shared · 2^k + Σ low·shared. A constant 2^(k-1) on the way keeps
the low lane from borrowing: the high lane is P >> k as it stands, the low lane P[k-1:0] with its top bit inverted.
(Packing: Xilinx WP486, 2017. Primitives: UG579, UG479.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from amaranth.hdl import Cat, ClockDomain, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers import dsp48e1, dsp48e2
from rtlnn.layers.adder import add, adder_luts, grown
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import reduce_to, reduce_tree, registered, tree_ff, tree_latency

__all__ = ["Accumulation", "Chains", "ColumnConfig", "MacColumn"]

_PRIMITIVE_LATENCY = 4
"""Cycles from A, B and D to P with all registers in use."""
P_BITS = 48


class Accumulation(Enum):
    """What adds up the steps of a pass."""

    FABRIC = "fabric"
    """An adder for each sum, behind the chains."""
    SLICE = "slice"
    """The last slice of each chain, where the sums of a whole pass fit its lanes; a DSP48E1 cannot."""
    DUAL = "dual"
    """One more slice, whose halves add up both sums of a column, of up to 24 bits, and two chains on the way.

    A column of one sum has an adder. A DSP48E1 cannot either: it adds three numbers, not four.
    """


@dataclass(frozen=True)
class Chains:
    """Inputs in cascades: `lengths` slices each, in the order of the inputs. All chains end in the same cycle."""

    lengths: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Slices of the longest chain."""
        return max(self.lengths)

    @property
    def inputs(self) -> int:
        return sum(self.lengths)

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """For each cycle of delay the inputs that are needed then, chain by chain; short chains begin late."""
        ends = [sum(self.lengths[: n + 1]) for n in range(len(self.lengths))]
        # counted from a chain's end, a place has the same delay in all chains
        return tuple(
            tuple(end - left for end, length in zip(ends, self.lengths, strict=True) if left <= length)
            for left in range(self.depth, 0, -1)
        )

    @cached_property
    def places(self) -> tuple[int, ...]:
        """All inputs in the order of `stages`."""
        return tuple(n for stage in self.stages for n in stage)


@dataclass(frozen=True)
class ColumnConfig:
    """Sizes of a column.

    Parameters
    ----------
    lanes : sums, 1 or 2
    chains : its cascades
    packed_bits, packed_signed : the operands of the lanes
    shared_bits, shared_signed : the operand that the lanes have in common
    spacing : k
    sum_bits : bits that hold a chain's sums, two's complement
    acc_bits : bits of a sum that leaves; it wraps, so only the final sum must fit
    accumulation : what adds up the steps of a pass
    arithmetic : the slices
    """

    lanes: int
    chains: Chains
    packed_bits: int
    packed_signed: bool
    shared_bits: int
    shared_signed: bool
    spacing: int
    sum_bits: int
    acc_bits: int
    accumulation: Accumulation
    arithmetic: Arithmetic = Arithmetic.DSP48E2

    def __post_init__(self) -> None:
        if self.accumulation is not Accumulation.FABRIC and self.arithmetic is not Arithmetic.DSP48E2:
            raise ValueError(f"a {self.arithmetic.value} slice does not accumulate a chain")
        if self.accumulation is Accumulation.DUAL and self.acc_bits > dsp48e2.HALF_BITS:
            raise ValueError(f"sums of {self.acc_bits} bits do not fit half a slice's {dsp48e2.HALF_BITS}")

    @property
    def in_slice(self) -> bool:
        return self.accumulation is Accumulation.SLICE

    @property
    def in_halves(self) -> bool:
        return self.accumulation is Accumulation.DUAL and self.lanes == 2

    @property
    def latency(self) -> int:
        """Cycles from a pass's last operands (those without delay) to its sums."""
        tree = tree_latency(len(self.chains.lengths))
        # the slice that adds two chains takes its operands a cycle before
        behind = {Accumulation.SLICE: tree, Accumulation.FABRIC: tree + 1, Accumulation.DUAL: max(tree, 1) + 1}
        return self.chains.depth - 1 + _PRIMITIVE_LATENCY + behind[self.accumulation]

    @property
    def flag_delay(self) -> int:
        """Cycles from operands without delay to their flags."""
        # one for the register of the flag; the slice's P changes at the end of a cycle
        ahead = 2 + tree_latency(len(self.chains.lengths)) if self.in_slice else 2
        return self.latency - ahead

    @property
    def resources(self) -> Resources:
        if self.in_halves:
            # the low lane is k bits wide
            widths, chains = (self.spacing, self.sum_bits), len(self.chains.lengths)
            ff = 1 + sum(tree_ff(chains, bits, 1, 2) for bits in widths)
            return Resources(lut=max(chains - 2, 0) * sum(widths), ff=ff, dsp=self.chains.inputs + 1)
        adders = len(self.chains.lengths) - 1
        lut = self.lanes * (adders * adder_luts(self.sum_bits) + max(adders - 1, 0))
        ff = 1 + self.lanes * tree_ff(adders + 1, self.sum_bits, 1)
        if self.lanes == 2 and self.sum_bits >= self.spacing:
            lut += 1
        if not self.in_slice:
            lut, ff = lut + self.lanes * adder_luts(self.acc_bits), ff + self.lanes * self.acc_bits + 1
            ff += self.sum_bits * (self.accumulation is Accumulation.DUAL and adders == 0)
        if self.lanes == 2 and self.arithmetic is Arithmetic.DSP48E1:
            # registers of D, which Yosys leaves outside
            ff += self.chains.inputs * self.packed_bits
        return Resources(lut=lut, ff=ff, dsp=self.chains.inputs)

    def component(self) -> "MacColumn":
        return MacColumn(self)


class MacColumn(wiring.Component):
    """One or two sums of products.

    Latency: see `ColumnConfig.latency`; the sums are there for one cycle at least.

    Members
    -------
    clk : in; there is no reset, since nothing but the operands and flags of a pass matters
    packed : in, operand `lane` of the slice at place n is element n * lanes + lane (see `Chains.places`), each in time
    shared : in, the operand of place n is element n
    valid, first : in, `config.flag_delay` cycles after the operands: whether there is a step, whether it begins a pass
    acc : out, the sums
    """

    def __init__(self, config: ColumnConfig) -> None:
        self.config = config
        places = config.chains.inputs
        super().__init__(
            {
                "clk": In(1),
                "packed": In(places * config.lanes * config.packed_bits),
                "shared": In(places * config.shared_bits),
                "valid": In(1),
                "first": In(1),
                "acc": Out(config.lanes * config.acc_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.domains.sync = domain = ClockDomain(reset_less=True)
        m.d.comb += domain.clk.eq(self.clk)
        valid = registered(m, self.valid, "valid_now")
        ends = self._cascades(m, valid)
        if c.in_halves:
            p = self._halves(m, ends, valid)
            halves = p[: dsp48e2.HALF_BITS], p[dsp48e2.HALF_BITS :]
            m.d.comb += self.acc.eq(Cat(half[: c.acc_bits] for half in halves))
            return m
        first = None if c.in_slice else registered(m, self.first, "first_now")
        for lane in range(c.lanes):
            sums = [self._lane(p, lane) for p in ends]
            total, _ = reduce_tree(m, sums, lambda a, b: grown(m, a, b, "pair"), f"sum{lane}_")
            if c.accumulation is Accumulation.DUAL and len(sums) == 1:
                # as late as the columns of two sums
                total = registered(m, total, f"sum{lane}_late")
            if first is not None:
                acc = Signal(signed(c.acc_bits), name=f"acc{lane}", reset_less=True)
                following = add(m, total, Mux(first, 0, acc), c.acc_bits, f"acc{lane}")
                with m.If(valid):
                    m.d.sync += acc.eq(following)
                total = acc
            m.d.comb += self.acc.word_select(lane, c.acc_bits).eq(total)
        return m

    def _cascades(self, m: Module, valid: Value) -> list[Signal]:
        """P of each chain's last slice."""
        c = self.config
        multiply_add = (dsp48e1 if c.arithmetic is Arithmetic.DSP48E1 else dsp48e2).multiply_add
        ends = []
        place_of = {n: place for place, n in enumerate(c.chains.places)}
        begin = 0
        for number, length in enumerate(c.chains.lengths):
            cascade, p = None, Signal(P_BITS)
            for n in range(begin, begin + length):
                place = place_of[n]
                operands = self._operands(m, place)
                p = Signal(P_BITS, name=f"p{number}_{n - begin}")
                out = Signal(P_BITS, name=f"pcout{number}_{n - begin}")
                last = n == begin + length - 1
                # once a sum: where a pass begins, or in every step
                constant = 1 << (c.spacing - 1) if c.lanes == 2 and (last if c.in_slice else n == begin) else 0
                if last and c.in_slice:
                    slice_ = dsp48e2.multiply_accumulate(*operands, p, cascade, out, self.first, valid, constant)
                else:
                    slice_ = multiply_add(*operands, p, cascade, out, constant)
                m.submodules[f"dsp{number}_{n - begin}"] = slice_
                cascade = out
            ends.append(p)
            begin += length
        return ends

    def _halves(self, m: Module, ends: Sequence[Signal], valid: Value) -> Signal:
        """P of the slice that adds up both lanes."""
        c = self.config
        k = c.spacing
        lanes = [p[:k] for p in ends], [p[k:][: c.sum_bits].as_signed() for p in ends]
        low, high = (reduce_to(m, sums, lambda a, b: a + b, f"sum{n}_", 2)[0] for n, sums in enumerate(lanes))
        operands = []
        for n, parts in enumerate(zip(low, high, strict=True)):
            halves = [Signal(signed(dsp48e2.HALF_BITS), name=f"half{n}_{lane}") for lane in range(2)]
            m.d.comb += [half.eq(part) for half, part in zip(halves, parts, strict=True)]
            operands.append(Cat(halves))
        # what keeps the low lanes from borrowing is taken away again
        constant = (-len(ends) << k - 1) & ((1 << dsp48e2.HALF_BITS) - 1)
        p, out = Signal(P_BITS, name="p_halves"), Signal(P_BITS, name="pcout_halves")
        x, y = (*operands, Const(0, P_BITS))[:2]
        m.submodules.dsp_halves = dsp48e2.accumulate_halves(x, y, p, out, self.first, valid, constant)
        return p

    def _operands(self, m: Module, place: int) -> tuple[Value, Value, Value]:
        """A, D and B of the slice at `place`."""
        c = self.config
        lanes = [self.packed.word_select(place * c.lanes + lane, c.packed_bits) for lane in range(c.lanes)]
        if c.packed_signed:
            lanes = [lane.as_signed() for lane in lanes]
        shared = self.shared.word_select(place, c.shared_bits)
        high = lanes[1] << c.spacing if c.lanes == 2 else Const(0, 1)
        return lanes[0], high, shared.as_signed() if c.shared_signed else shared

    def _lane(self, p: Signal, lane: int) -> Value:
        """One of the sums in P."""
        c = self.config
        if c.lanes == 1:
            return p[: c.sum_bits].as_signed()
        if lane:
            return p[c.spacing :][: c.sum_bits].as_signed()
        if c.sum_bits < c.spacing:
            return p[: c.sum_bits].as_signed()
        return Cat(p[: c.spacing - 1], ~p[c.spacing - 1]).as_signed()
