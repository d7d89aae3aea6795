"""Sums of products of few-bit numbers, in look-up tables alone: binary and ternary networks.

Weights come as the number of their value among those that occur, one bit for two of them. A product minus the smallest
one of its weight is never negative; with -1 and 1 on both sides that is XNOR. As many products as a LUT has inputs for
are added up at once, without a carry chain, and so are their sums; adders follow.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Instance, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.gates import count_gates, from_table
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.pipeline import delayed, reduce_tree, registered, tree_latency

__all__ = ["FewBitColumn", "FewBitColumnConfig", "FewBitColumns", "FewBitControl", "FewBitMacConfig"]

LUT_INPUTS = 6


@dataclass(frozen=True)
class FewBitMacConfig(MacConfig):
    """As `MacConfig`; `w_bits` are those of a weight's number among the `levels`.

    Its sums are those of the products, less `smallest` of each weight.

    Parameters
    ----------
    levels : the values of weights that occur, ascending
    """

    levels: tuple[int, ...] = ()

    @staticmethod
    def code_bits(levels: tuple[int, ...]) -> int:
        """Bits of a weight's number."""
        return max((len(levels) - 1).bit_length(), 1)

    @property
    def _codes(self) -> list[int]:
        """Activations by their bits."""
        values = range(1 << self.x_bits)
        return [v - (1 << self.x_bits) * (self.x_signed and v >> (self.x_bits - 1)) for v in values]

    def smallest(self, level: int) -> int:
        """The smallest product of a weight."""
        return min(level * x for x in self._codes)

    @cached_property
    def products(self) -> tuple[int | None, ...]:
        """Product minus the smallest one, by the bits of activation (the lower ones) and weight; None: never occurs."""
        found: list[int | None] = []
        for n in range(1 << self.w_bits):
            if n < len(self.levels):
                level = self.levels[n]
                found += [level * x - self.smallest(level) for x in self._codes]
            else:
                found += [None] * (1 << self.x_bits)
        return tuple(found)

    @cached_property
    def largest(self) -> int:
        """The largest of `products`."""
        return max(p for p in self.products if p is not None)

    @property
    def together(self) -> int:
        """Products that one level of LUTs adds up."""
        return max(1, min(LUT_INPUTS // (self.x_bits + self.w_bits), self.simd))

    @property
    def groups(self) -> int:
        return -(-self.simd // self.together)

    @property
    def _group_bits(self) -> int:
        return (self.together * self.largest).bit_length()

    @property
    def fan_in(self) -> int:
        """Sums of groups that the next level of LUTs adds up; 1 where there is no such level."""
        count = LUT_INPUTS // max(self._group_bits, 1)
        return count if count > 1 and self.groups > 1 else 1

    @property
    def latency(self) -> int:
        return 2 + (self.fan_in > 1) + tree_latency(-(-self.groups // self.fan_in))

    @property
    def resources(self) -> Resources:
        """A LUT for each bit of a group's sum, and of a sum of these; then adders."""
        if not self.largest:
            # nothing to add up
            return Resources(ff=2 * self.latency)
        bits = self._group_bits
        lut = ff = self.groups * bits
        leaves, width = self.groups, bits
        if self.fan_in > 1:
            leaves, width = -(-leaves // self.fan_in), (self.fan_in * self.together * self.largest).bit_length()
            lut, ff = lut + leaves * width, ff + leaves * width
        while leaves > 1:
            lut += leaves // 2 * (width + 1)
            leaves, width = -(-leaves // 2), width + 1
            ff += leaves * width
        return Resources(lut=self.sums * (lut + self.acc_bits), ff=self.sums * (ff + self.acc_bits) + 3 * self.latency)

    @property
    def input_bits(self) -> int:
        """All activations of a step."""
        return self.positions * self.blocks * self.simd * self.x_bits

    @property
    def parts(self) -> "dict[str, FewBitColumnConfig]":
        """The module that occurs for each sum."""
        return {"column": FewBitColumnConfig(replace(self, pe=1, positions=1, blocks=1))}


@dataclass(frozen=True)
class FewBitColumnConfig:
    """The column of an array that has no other."""

    array: FewBitMacConfig

    def component(self) -> "FewBitColumn":
        return FewBitColumn(self.array)


class FewBitControl(wiring.Component):
    """The part of the array that sees the steps. Members as those of `PackedMacControl`."""

    def __init__(self, config: FewBitMacConfig) -> None:
        self.config = config
        flags = ("valid", "first", "last")
        super().__init__(
            {
                "x": In(config.input_bits),
                **{name: In(1) for name in flags},
                "inputs": Out(config.input_bits),
                **{name: Out(1) for name in ("column_valid", "column_first", "done", "early")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        before = self.config.latency - 1
        valid = delayed(m, self.valid, before, "valid", reset=True)
        m.d.comb += [
            self.inputs.eq(self.x),
            self.column_valid.eq(valid),
            self.column_first.eq(delayed(m, self.first, before, "first")),
            self.early.eq(valid & delayed(m, self.last, before, "last")),
        ]
        m.d.sync += self.done.eq(self.early)
        return m


class FewBitColumns(Elaboratable):
    """All columns, as instances of `module`. Attributes as those of `PackedMacColumns`."""

    def __init__(self, config: FewBitMacConfig, module: str) -> None:
        self.config, self._module = config, module
        self.weights = [Signal(size * config.w_bits, name=f"weights{n}") for n, size in enumerate(config.slice_sizes)]
        self.inputs = Signal(config.input_bits)
        self.valid, self.first = Signal(), Signal()
        self.acc = Signal(config.sums * config.acc_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        for number in range(c.sums):
            position, pe = divmod(number, c.pe)
            acc = Signal(c.acc_bits, name=f"acc{number}")
            m.submodules[f"column{number}"] = Instance(
                self._module,
                i_clk=ClockSignal(),
                i_x=self.inputs.word_select(position * c.blocks + pe * c.blocks // c.pe, c.simd * c.x_bits),
                i_w=self.weights[0].word_select(pe, c.simd * c.w_bits),
                i_valid=self.valid,
                i_first=self.first,
                o_acc=acc,
            )
            m.d.comb += self.acc.word_select(number, c.acc_bits).eq(acc)
        return m


class FewBitColumn(wiring.Component):
    """One sum.

    Latency: `config.latency` cycles from a pass's last operands to its sum.

    Members
    -------
    clk : in; there is no reset, since nothing but the operands and flags of a pass matters
    x, w : in, the operands of a step; number n is element n
    valid, first : in, `config.latency` - 1 cycles behind the step that they belong to
    acc : out, the sum
    """

    def __init__(self, config: FewBitMacConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clk": In(1),
                "x": In(config.simd * config.x_bits),
                "w": In(config.simd * config.w_bits),
                "valid": In(1),
                "first": In(1),
                "acc": Out(config.acc_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = domain = ClockDomain(reset_less=True)
        m.d.comb += domain.clk.eq(self.clk)
        c = self.config
        pairs = [(self.x.word_select(n, c.x_bits), self.w.word_select(n, c.w_bits)) for n in range(c.simd)]
        total = self._total(m, pairs)
        acc = Signal(c.acc_bits, reset_less=True)
        with m.If(self.valid):
            m.d.sync += acc.eq(Mux(self.first, 0, acc) + total)
        m.d.comb += self.acc.eq(acc)
        return m

    def _total(self, m: Module, pairs: list[tuple[Value, Value]]) -> Value:
        """The products of a step, added up in `latency` - 1 cycles."""
        c = self.config
        sums = self._added(m, [self._product(x, w) for x, w in pairs], c.largest, c.together, "group")
        if c.fan_in > 1:
            sums = self._added(m, [[*value] for value in sums], c.together * c.largest, c.fan_in, "block")
        total, _ = reduce_tree(m, sums, lambda a, b: a + b, "sum")
        return total

    def _product(self, x: Value, w: Value) -> list[Value]:
        """Its bits."""
        c = self.config
        inputs = [*Cat(x, w)]
        return [
            from_table([None if p is None else p >> k & 1 for p in c.products], inputs)
            for k in range(c.largest.bit_length())
        ]

    @staticmethod
    def _added(m: Module, numbers: list[list[Value]], largest: int, count: int, name: str) -> list[Value]:
        """Sums of `count` numbers each, registered."""
        result: list[Value] = []
        for n in range(0, len(numbers), count):
            part = numbers[n : n + count]
            bits = count_gates(m, part, [largest] * len(part), f"{name}{n // count}")
            result.append(registered(m, Cat(*bits), f"{name}{n // count}"))
        return result
