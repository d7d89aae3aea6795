"""Counting thresholds in hardware: results of few levels without any multiplication."""

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed

__all__ = ["ThresholdUnit", "ThresholdsConfig"]


@dataclass(frozen=True)
class ThresholdsConfig:
    """y = base + step · #{k : acc >= threshold k}, or of those that it does not reach, for `lanes` values a cycle.

    The thresholds of a channel are ordered, so that the comparisons make a thermometer, whose count takes few gates.

    Parameters
    ----------
    lanes : values in parallel
    acc_bits, acc_signed : the sums
    levels : thresholds of a channel
    threshold_bits : two's complement
    directed : whether some channels count what is not reached; a bit of each channel's parameters says which
    out_bits, out_signed : the result
    base, step : as in `rtlnn.ops.Thresholds`
    """

    lanes: int
    acc_bits: int
    acc_signed: bool
    levels: int
    threshold_bits: int
    directed: bool
    out_bits: int
    out_signed: bool
    base: int
    step: int

    @property
    def signed(self) -> bool:
        return self.out_signed

    @property
    def adds(self) -> bool:
        """Whether an adder comes right behind the sums."""
        return True

    @property
    def spacing(self) -> int:
        """Cycles from one value to the next."""
        return 1

    @property
    def plain(self) -> bool:
        """Whether one comparison is the result itself."""
        return (self.levels, self.base, self.step, self.out_bits) == (1, 0, 1, 1)

    @property
    def latency(self) -> int:
        return 1 if self.plain else 2

    @property
    def parameter_bits(self) -> int:
        return self.levels * self.threshold_bits + self.directed

    def parameter_word(self, thresholds: list[int], reverse: bool) -> int:
        """The parameters of a channel."""
        mask = (1 << self.threshold_bits) - 1
        word = sum((t & mask) << (k * self.threshold_bits) for k, t in enumerate(thresholds))
        return word | (int(reverse) << (self.levels * self.threshold_bits))

    @property
    def resources(self) -> Resources:
        """A comparison takes a LUT for two bits, the count about one for each of its bits and five levels."""
        compare = self.levels * -(-max(self.acc_bits, self.threshold_bits) // 2)
        if self.plain:
            return Resources(lut=self.lanes * compare, ff=self.lanes + 1)
        count = self.out_bits * -(-self.levels // 5)
        return Resources(lut=self.lanes * (compare + count), ff=self.lanes * (self.levels + self.out_bits) + 2)


class ThresholdUnit(wiring.Component):
    """Compares; latency `config.latency` cycles.

    Members
    -------
    acc : in, the sums, two's complement or unsigned as configured
    parameters : in, with `acc`: a `parameter_word` for each lane
    valid : in, with `acc`
    y : out, the results; done : out, with `y`
    """

    def __init__(self, config: ThresholdsConfig) -> None:
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
            y = self.y.word_select(lane, c.out_bits)
            compared = self._compared(acc.as_signed() if c.acc_signed else acc, parameters)
            if c.plain:
                m.d.sync += y.eq(compared)
                continue
            reached = Signal(c.levels, name=f"reached{lane}", reset_less=True)
            m.d.sync += [reached.eq(compared), y.eq(self._level(reached))]
        m.d.sync += self.done.eq(delayed(m, self.valid, c.latency - 1, "valid", reset=True))
        return m

    def _compared(self, acc: Value, parameters: Value) -> Value:
        """A bit for each threshold; a set bit is never above one that is not."""
        c = self.config
        reverse = parameters[-1] if c.directed else Const(0, 1)
        bits = (acc >= parameters[k * c.threshold_bits :][: c.threshold_bits].as_signed() for k in range(c.levels))
        return Cat(bit ^ reverse for bit in bits)

    def _level(self, reached: Value) -> Value:
        """The result. Bit j of a thermometer's count is the parity of every 2**j-th of its bits."""
        c = self.config
        count = Cat(
            reached[(1 << j) - 1 :: 1 << j].xor() if c.levels >= 1 << j else Const(0, 1)
            for j in range(c.levels.bit_length())
        )
        if (c.base, c.step) == (0, 1):
            return count
        results = (c.base + c.step * n for n in range(c.levels + 1))
        return Array(Const(y & ((1 << c.out_bits) - 1), c.out_bits) for y in results)[count]
