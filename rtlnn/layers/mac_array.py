"""The hardware of the packed array, in two parts.

`PackedMacControl` is in the kernel: it delays activations and flags. `PackedMacColumns` is beside the kernel, like the
weight memories, whose words would be too wide for the kernel's ports.
"""

from collections.abc import Mapping
from itertools import product

from amaranth.hdl import Cat, ClockSignal, Elaboratable, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.mac_packed import PART_NAMES, PackedMacConfig, Sharing
from rtlnn.layers.pipeline import delayed

__all__ = ["PackedMacColumns", "PackedMacControl"]


class PackedMacControl(wiring.Component):
    """The part of the array that sees the steps.

    Members
    -------
    x, valid, first, last : in, a step of a pass; see `InferredMacArray`
    inputs, column_valid, column_first : out, to the columns
    done : out, with the columns' sums: a pass is complete
    early : out, `done` one cycle ahead
    """

    def __init__(self, config: PackedMacConfig) -> None:
        self.config = config
        super().__init__(
            {
                "x": In(config.input_bits),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "inputs": Out(config.input_bits),
                "column_valid": Out(1),
                "column_first": Out(1),
                "done": Out(1),
                "early": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        delay = c.column(1).flag_delay
        valid = delayed(m, self.valid, delay, "valid", reset=True)
        first, last = delayed(m, self.first, delay, "first"), delayed(m, self.last, delay, "last")
        m.d.comb += [
            self.inputs.eq(Cat(self._group(m, g, b) for g, b in product(c.position_groups, range(c.blocks)))),
            self.column_valid.eq(valid),
            self.column_first.eq(first),
            self.early.eq(delayed(m, valid & last, c.latency - delay - 1, "finished", reset=True)),
        ]
        m.d.sync += self.done.eq(self.early)
        return m

    def _group(self, m: Module, group: range, block: int) -> Value:
        """A block's activations of a group of positions, each as late as its place in the chain."""
        c = self.config
        parts: list[Value] = []
        for delay, inputs in enumerate(c.chains.stages):
            for n, position in product(inputs, group):
                x = self.x.word_select((position * c.blocks + block) * c.simd + n, c.x_bits)
                parts.append(delayed(m, x, delay, f"x{position}_{block * c.simd + n}"))
        return Cat(parts)


class PackedMacColumns(Elaboratable):
    """All columns, as instances.

    Parameters
    ----------
    config : sizes of the array
    modules : the modules that are the columns, by their names in `config.parts`

    Attributes
    ----------
    weights : in, the words of the slices, each at its own delay
    inputs, valid, first : in, as `PackedMacControl` gives them
    acc : out, the sums; channel c of position p is element p * pe + c
    """

    def __init__(self, config: PackedMacConfig, modules: Mapping[str, str]) -> None:
        self.config, self._modules = config, modules
        self.weights = [Signal(size * config.w_bits, name=f"weights{n}") for n, size in enumerate(config.slice_sizes)]
        self.inputs = Signal(config.input_bits)
        self.valid, self.first = Signal(), Signal()
        self.acc = Signal(config.sums * config.acc_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        weights = [self._weights(m, number) for number in range(len(c.channel_groups))]
        inputs = [[self._inputs(m, n, b) for b in range(c.blocks)] for n in range(len(c.position_groups))]
        for (p, positions), (n, channels) in product(enumerate(c.position_groups), enumerate(c.channel_groups)):
            lanes = len(positions) * len(channels)
            packed, shared = weights[n], inputs[p][c.block_of(channels)]
            if c.sharing is Sharing.POSITIONS:
                packed, shared = shared, packed
            acc = Signal(lanes * c.acc_bits, name=f"acc{p}_{n}")
            m.submodules[f"column{p}_{n}"] = Instance(
                self._modules[PART_NAMES[lanes]],
                i_clk=ClockSignal(),
                i_packed=packed,
                i_shared=shared,
                i_valid=self.valid,
                i_first=self.first,
                o_acc=acc,
            )
            for lane, (position, pe) in enumerate(product(positions, channels)):
                target = self.acc.word_select(position * c.pe + pe, c.acc_bits)
                m.d.comb += target.eq(acc.word_select(lane, c.acc_bits))
        return m

    def _weights(self, m: Module, number: int) -> Signal:
        """The weights of a group of channels; in every slice they lie side by side."""
        c = self.config
        group = c.channel_groups[number]
        result = Signal(len(group) * c.simd * c.w_bits, name=f"weights_of{number}")
        parts = []
        for word, inputs in zip(self.weights, c.chains.stages, strict=True):
            width = len(inputs) * c.w_bits
            parts.append(word[group.start * width : group.stop * width])
        m.d.comb += result.eq(Cat(parts))
        return result

    def _inputs(self, m: Module, number: int, block: int) -> Signal:
        """A block's activations of a group of positions."""
        c = self.config
        group = c.position_groups[number]
        width = c.simd * c.x_bits
        result = Signal(len(group) * width, name=f"inputs_of{number}" + (f"_{block}" if c.blocks > 1 else ""))
        begin = group.start * c.blocks + block * len(group)
        m.d.comb += result.eq(self.inputs[begin * width :][: len(group) * width])
        return result
