"""The pooling array: the largest value or the sum of each channel's window."""

from dataclasses import dataclass
from enum import Enum

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.maximum import maximum_luts
from rtlnn.layers.pipeline import delayed, reduce_tree, registered, tree_ff, tree_latency

__all__ = ["PoolArray", "PoolConfig", "PoolFunction"]


class PoolFunction(Enum):
    MAXIMUM = "maximum"
    SUM = "sum"


@dataclass(frozen=True)
class PoolConfig:
    """Sizes of a pooling array.

    Parameters
    ----------
    function : maximum or sum
    lanes : channels in parallel
    taps : pixels a step
    x_bits, x_signed : the values
    acc_bits : the results; those of a maximum are as wide as the values, and signed as they are
    start : what sums begin with
    factors : factors[row][column] of each position, by which sums are multiplied; empty where all are 1
    positions : windows at once, without factors
    """

    function: PoolFunction
    lanes: int
    taps: int
    x_bits: int
    x_signed: bool
    acc_bits: int
    start: int = 0
    factors: tuple[tuple[int, ...], ...] = ()
    positions: int = 1

    def __post_init__(self) -> None:
        if self.factors and self.positions > 1:
            raise ValueError("windows with factors of their own are pooled one by one")

    @property
    def sums(self) -> int:
        """Results that a pass delivers."""
        return self.positions * self.lanes

    @property
    def latency(self) -> int:
        """Cycles from a pass's last step on `x` to its results on `acc`."""
        return 1 + tree_latency(self.taps) + bool(self.factors)

    @property
    def resources(self) -> Resources:
        """A maximum compares, then chooses; that of a window in turns is a register that is written or not.

        A sum in turns begins with its first value: a choice for each bit of it.
        """
        if self.function is PoolFunction.MAXIMUM:
            growth, lut = 0, maximum_luts(self.x_bits) * (self.taps - 1) + self.x_bits
        else:
            growth, value = 1, self.x_bits + tree_latency(self.taps)
            lut = (self.taps - 1) * (self.x_bits + 1) + self.acc_bits + min(value, self.acc_bits)
        ff = self.acc_bits * (1 + bool(self.factors)) + tree_ff(self.taps, self.x_bits, growth)
        return Resources(
            lut=self.sums * lut + 4,
            ff=self.sums * ff + 3 * self.latency,
            dsp=self.lanes if self.factors else 0,
        )


class PoolArray(wiring.Component):
    """Reduces the steps of a pass, channel by channel. Members as in `InferredMacArray`, but for the weights.

    Tap t of a position's channel n is element (position * taps + t) * lanes + n of `x`.

    Latency: `latency` cycles from a pass's last step on `x` to its result on `acc`.
    """

    def __init__(self, config: PoolConfig) -> None:
        self.config = config
        rows, columns = (len(config.factors), len(config.factors[0])) if config.factors else (1, 1)
        super().__init__(
            {
                "x": In(config.sums * config.taps * config.x_bits),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "row": In(range(max(rows, 2))),
                "column": In(range(max(columns, 2))),
                "acc": Out(config.sums * config.acc_bits),
                "done": Out(1),
                "early": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        shape = signed(c.x_bits) if c.x_signed else unsigned(c.x_bits)
        acc_shape = signed(c.acc_bits) if c.function is PoolFunction.SUM or c.x_signed else unsigned(c.acc_bits)
        tree = tree_latency(c.taps)
        valid = delayed(m, self.valid, tree, "valid", reset=True)
        first = delayed(m, self.first, tree, "first")
        last = delayed(m, self.last, tree, "last")
        factor = self._factor(m, tree + 1)
        for lane in range(c.sums):
            position, channel = divmod(lane, c.lanes)
            places = [(position * c.taps + t) * c.lanes + channel for t in range(c.taps)]
            taps = [self.x.word_select(n, c.x_bits) for n in places]
            taps = [t.as_signed() if shape.signed else t for t in taps]
            value, _ = reduce_tree(m, taps, self._combine, f"tree{lane}_")
            acc = Signal(acc_shape, name=f"acc{lane}")
            with m.If(valid):
                begun = value + c.start if c.start else value
                m.d.sync += acc.eq(Mux(first, begun, self._combine(acc, value)))
            result = acc if factor is None else registered(m, (acc * factor)[: c.acc_bits], f"scaled{lane}")
            m.d.comb += self.acc.word_select(lane, c.acc_bits).eq(result)
        complete = valid & last
        m.d.comb += self.early.eq(complete if factor is None else registered(m, complete, "complete", reset=True))
        m.d.sync += self.done.eq(self.early)
        return m

    def _combine(self, a: Value, b: Value) -> Value:
        return Mux(a > b, a, b) if self.config.function is PoolFunction.MAXIMUM else a + b

    def _factor(self, m: Module, delay: int) -> Value | None:
        """The factor of the position whose sum is in the accumulators; the most frequent one is the default."""
        factors = self.config.factors
        if not factors:
            return None
        values = [f for row in factors for f in row]
        factor = Signal(range(max(values) + 1))
        common = max(sorted(set(values)), key=values.count)
        m.d.comb += factor.eq(common)
        row = delayed(m, self.row, delay, "row")
        column = delayed(m, self.column, delay, "column")
        with m.Switch(row):
            for y, line in enumerate(factors):
                with m.Case(y), m.Switch(column):
                    for x, value in enumerate(line):
                        if value != common:
                            with m.Case(x):
                                m.d.comb += factor.eq(value)
        return factor
