"""The largest sums of a tile's positions: max pooling before requantization, which keeps the order of the sums."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import delayed, registered

__all__ = ["Maximum", "MaximumConfig", "maximum_luts"]


def maximum_luts(bits: int) -> int:
    """LUTs of the larger of two numbers: to compare takes three quarters of a LUT a bit, to choose one."""
    return -(-7 * bits // 4)


@dataclass(frozen=True)
class MaximumConfig:
    """`sums` maxima of sums of `acc_bits` bits, two's complement, over `at_once` positions in each of `turns` turns."""

    sums: int
    acc_bits: int
    at_once: int
    turns: int

    @property
    def levels(self) -> int:
        """Levels of the tree over the positions of one turn, a register behind each."""
        return (self.at_once - 1).bit_length()

    @property
    def latency(self) -> int:
        """Cycles from the sums of the last turn to the maxima."""
        return self.levels + (self.turns > 1)

    @property
    def resources(self) -> Resources:
        """A maximum of two numbers, and a register; over several turns the register is written or not."""
        values, registers = self.at_once, 0
        while values > 1:
            values = -(-values // 2)
            registers += values
        luts = (self.at_once - 1) * maximum_luts(self.acc_bits) + self.acc_bits * (self.turns > 1)
        flags = 2 * self.levels + (self.turns > 1) + counter_bits(self.turns)
        return Resources(
            lut=self.sums * luts + counter_bits(self.turns) + 2,
            ff=self.sums * self.acc_bits * (registers + (self.turns > 1)) + flags,
        )


class Maximum(wiring.Component):
    """Takes the sums of a turn, position by position, and gives the largest of each after the last turn.

    Members
    -------
    acc : in, sum number n of position p at p * sums + n
    done : in, with `acc`; early: one cycle ahead
    largest : out, the maxima
    complete : out, with `largest`; soon: one cycle ahead
    """

    def __init__(self, config: MaximumConfig) -> None:
        self.config = config
        width = config.sums * config.acc_bits
        members = {"acc": In(config.at_once * width), "done": In(1), "early": In(1)}
        super().__init__({**members, "largest": Out(width), "complete": Out(1), "soon": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        done = delayed(m, self.done, c.levels, "done", reset=True)
        soon: Value = delayed(m, self.early, c.levels, "early", reset=True)
        if c.turns > 1:
            turn, last = count(m, c.turns, done, "turn")
            begins = Signal(name="begins")
            m.d.comb += [begins.eq(turn == 0), self.soon.eq(done & last)]
            m.d.sync += self.complete.eq(self.soon)
        else:
            m.d.comb += [self.soon.eq(soon), self.complete.eq(done)]
        for n in range(c.sums):
            values = [self.acc.word_select(p * c.sums + n, c.acc_bits).as_signed() for p in range(c.at_once)]
            level = 0
            while len(values) > 1:
                pairs = [_larger(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
                values = [*pairs, *values[len(pairs) * 2 :]]
                values = [registered(m, v, f"level{level}_{n}_{k}") for k, v in enumerate(values)]
                level += 1
            result: Value = values[0]
            if c.turns > 1:
                largest = Signal(signed(c.acc_bits), name=f"largest{n}", reset_less=True)
                with m.If(done & (begins | (result > largest))):
                    m.d.sync += largest.eq(result)
                result = largest
            m.d.comb += self.largest.word_select(n, c.acc_bits).eq(result)
        return m


def _larger(a: Value, b: Value) -> Value:
    return Mux(a > b, a, b)
