"""The packed multiply-accumulate array: two products in each DSP48E2, sums in cascades.

Two output channels share an activation x. The DSP's pre-adder forms w_hi·2^k + w_lo, its multiplier the product with x,
and P of one DSP feeds the next (PCOUT → PCIN), so that a chain delivers Σ w_hi·x · 2^k + Σ w_lo·x. The low lane is
P[k-1:0], read as signed; the high lane is P >> k plus the low lane's sign bit. (Packing: Xilinx WP486, 2017; signed
weights without correction tables by the carry. Primitive: UG579.)
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, product

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.dsp48e2 import multiply_add
from rtlnn.layers.mac import WeightSlice
from rtlnn.layers.pipeline import delayed, reduce_tree, tree_latency, tree_registers

__all__ = ["PackedMacArray", "PackedMacConfig", "longest_chain", "packed"]

PRIMITIVE_LATENCY = 4
"""Cycles from A, B and D to P with all registers in use."""


@dataclass(frozen=True)
class PackedMacConfig:
    """Sizes of a packed array; see `MacConfig` for the common ones.

    Parameters
    ----------
    chain : the most DSPs in a chain, so that the low lane's sum fits k bits (see `longest_chain`)
    spacing : k
    """

    pe: int
    simd: int
    x_bits: int
    x_signed: bool
    w_bits: int
    acc_bits: int
    chain: int
    spacing: int
    positions: int = 1

    @property
    def sums(self) -> int:
        """Sums that a pass delivers."""
        return self.positions * self.pe

    @property
    def pairs(self) -> int:
        """Pairs of output channels; the last one is single if `pe` is odd."""
        return -(-self.pe // 2)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """DSPs of each chain of a pair, the longest first; they differ by one at most."""
        number = -(-self.simd // self.chain)
        short, long = divmod(self.simd, number)
        return (short + 1,) * long + (short,) * (number - long)

    @cached_property
    def chains(self) -> tuple[tuple[int, ...], ...]:
        """The inputs of each chain of a pair, in order; all chains end in the same cycle, so short ones begin late."""
        ends = list(accumulate(self.lengths))
        return tuple(tuple(range(end - n, end)) for n, end in zip(self.lengths, ends, strict=True))

    @property
    def depth(self) -> int:
        """DSPs of the longest chain."""
        return self.lengths[0]

    def delay(self, chain: tuple[int, ...], place: int) -> int:
        """Cycles by which the operands of a chain's DSP number `place` come later."""
        return self.depth - len(chain) + place

    @property
    def slices(self) -> tuple[WeightSlice, ...]:
        """One memory for each delay along the chains: its address is delayed, rather than its data."""
        result = []
        for delay in range(self.depth):
            inputs = [c[delay - self.depth + len(c)] for c in self.chains if delay >= self.depth - len(c)]
            order = tuple((pe, n) for pair in range(self.pairs) for n in inputs for pe in self.pair(pair))
            result.append(WeightSlice(delay, order))
        return tuple(result)

    @property
    def slice_sizes(self) -> tuple[int, ...]:
        """Weights in each slice's word."""
        # a chain that is one shorter than the longest has no DSP in the first place
        return (self.pe * self.lengths.count(self.depth), *(self.pe * len(self.lengths),) * (self.depth - 1))

    def pair(self, pair: int) -> range:
        """The output channels of a pair."""
        return range(2 * pair, min(2 * pair + 2, self.pe))

    @property
    def latency(self) -> int:
        """Cycles from a pass's last step on `x` to its sums on `acc`."""
        return self.depth - 1 + PRIMITIVE_LATENCY + tree_latency(len(self.lengths)) + 1

    @property
    def resources(self) -> Resources:
        """One DSP for two products; per channel an accumulator, and an adder for each chain but the first.

        Operands that come late are delayed by flip-flops for up to two cycles, then by a shift register LUT.
        """
        inputs = [size // self.pe for size in self.slice_sizes]  # by their delay
        shifted = sum(n * -(-delay // 32) for delay, n in enumerate(inputs) if delay > 2)
        skew = sum(n * delay for delay, n in enumerate(inputs[:3]))
        chains = len(self.lengths)
        flags = self.depth - 1 + PRIMITIVE_LATENCY + tree_latency(chains) + 1
        return Resources(
            lut=self.sums * (self.acc_bits + (chains - 1) * (self.spacing + 3))
            + self.positions * shifted * self.x_bits
            + 3,
            ff=self.sums * (self.acc_bits + tree_registers(chains) * (self.spacing + 2))
            + self.positions * skew * self.x_bits
            + flags,
            dsp=self.positions * self.pairs * self.simd,
        )


def longest_chain(x_lo: int, x_hi: int, w_lo: int, w_hi: int, spacing: int) -> int:
    """DSPs that a chain may have before the sum of its low lane can leave `spacing` bits; 0 if not even one."""
    products = [x * w for x in (x_lo, x_hi) for w in (w_lo, w_hi)]
    half = 1 << (spacing - 1)
    most = [(half - 1) // max(products) if max(products) > 0 else 1 << 30]
    most.append(half // -min(products) if min(products) < 0 else 1 << 30)
    return min(most)


class PackedMacArray(wiring.Component):
    """Members as in `InferredMacArray`; `weights` is the concatenation of all slices, each at its own delay."""

    def __init__(self, config: PackedMacConfig) -> None:
        self.config = config
        width = config.pe * config.simd * config.w_bits
        super().__init__(
            {
                "x": In(config.positions * config.simd * config.x_bits),
                "weights": In(width),
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
        weights = self._weights()
        inputs = [self._skewed(m, position) for position in range(c.positions)]
        to_sum = c.depth - 1 + PRIMITIVE_LATENCY + tree_latency(len(c.chains))
        valid = delayed(m, self.valid, to_sum, "valid", reset=True)
        first, last = delayed(m, self.first, to_sum, "first"), delayed(m, self.last, to_sum, "last")
        for position, pair in product(range(c.positions), range(c.pairs)):
            name = f"{position}_{pair}"
            ends = [self._chain(m, pair, chain, inputs[position], weights, name) for chain in c.chains]
            for pe in c.pair(pair):
                number = position * c.pe + pe
                acc = Signal(signed(c.acc_bits), name=f"acc{number}", reset_less=True)
                begun = Mux(first, 0, acc)
                if len(ends) == 1 and pe % 2:
                    lane = _high(ends[0], c.spacing)
                else:
                    lanes = [_lane(p, c.spacing, pe % 2 == 1) for p in ends]
                    lane, _ = reduce_tree(m, lanes, lambda a, b: a + b, f"sum{number}_")
                    lane = Cat(Const(0, 1), lane).as_signed()
                # The extra bit below is the high lane's carry. A sum, written as a difference: the carry chain then
                # takes the lane as it is, and a bit costs one LUT.
                total = (lane - Cat(Const(1, 1), ~begun).as_signed())[1:]
                with m.If(valid):
                    m.d.sync += acc.eq(total)
                m.d.comb += self.acc.word_select(number, c.acc_bits).eq(acc)
        m.d.comb += self.early.eq(valid & last)
        m.d.sync += self.done.eq(self.early)
        return m

    def _weights(self) -> dict[tuple[int, int], Value]:
        """Every weight by (pe, input), already as late as its DSP needs it."""
        result: dict[tuple[int, int], Value] = {}
        place = 0
        for part in self.config.slices:
            for key in part.order:
                result[key] = self.weights.word_select(place, self.config.w_bits).as_signed()
                place += 1
        return result

    def _skewed(self, m: Module, position: int) -> list[Value]:
        """The activations of a position, each as late as its place in the chain."""
        c = self.config
        result: list[Value] = []
        for chain in c.chains:
            for place, n in enumerate(chain):
                x = self.x.word_select(position * c.simd + n, c.x_bits)
                x = delayed(m, x, c.delay(chain, place), f"x{position}_{n}")
                result.append(x.as_signed() if c.x_signed else x)
        return result

    def _chain(
        self,
        m: Module,
        pair: int,
        chain: tuple[int, ...],
        inputs: list[Value],
        weights: dict[tuple[int, int], Value],
        column: str,
    ) -> Signal:
        """The cascade of one chain; returns P of its last DSP."""
        c = self.config
        cascade: Signal | None = None
        p = Signal(48)
        for n in chain:
            low = weights[2 * pair, n]
            high = weights[2 * pair + 1, n] if 2 * pair + 1 < c.pe else Const(0, 1)
            name = f"dsp{column}_{n}"
            d = Signal(signed(27), name=f"{name}_d")
            m.d.comb += d.eq(high << c.spacing)
            p = Signal(48, name=f"{name}_p")
            out = Signal(48, name=f"{name}_pcout")
            m.submodules[name] = multiply_add(a=low, d=d, b=inputs[n], p=p, pcin=cascade, pcout=out)
            cascade = out
        return p


def _lane(p: Signal, spacing: int, high: bool) -> Value:
    """One of the two sums in P."""
    return (_high(p, spacing) + 1) >> 1 if high else p[:spacing].as_signed()


def _high(p: Signal, spacing: int) -> Value:
    """Twice the high lane, plus the low lane's sign bit, by which the high lane is one too small."""
    return Cat(p[spacing - 1], p[spacing : min(2 * spacing + 8, 48)]).as_signed()


def packed(pe: int, simd: int, x: tuple[int, bool], w: tuple[int, int, int], acc_bits: int) -> PackedMacConfig | None:
    """The packed array for activations of (bits, signed) and weights of (bits, least, largest); None if none fits."""
    x_bits, x_signed = x
    w_bits, w_lo, w_hi = w
    if x_bits > (18 if x_signed else 17) or w_bits > 8:
        return None
    x_lo, x_hi = (-(1 << (x_bits - 1)), (1 << (x_bits - 1)) - 1) if x_signed else (0, (1 << x_bits) - 1)
    # D has 27 bits: a weight of -128 leaves room for 18 below it, all others for 19 (the sum with A must fit as well)
    spacing = 19 if w_lo > -128 else 18
    chain = longest_chain(x_lo, x_hi, w_lo, w_hi, spacing)
    if chain < 1:
        return None
    return PackedMacConfig(pe, simd, x_bits, x_signed, w_bits, acc_bits, chain, spacing)
