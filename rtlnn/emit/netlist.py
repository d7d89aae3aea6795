"""The netlist manager: every distinct component is converted once; the top is instances and wires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal

from rtlnn.emit.memory import memory_file, rom_module
from rtlnn.emit.names import SEPARATOR, check_name
from rtlnn.emit.verilog import convert
from rtlnn.layers.component import LayerConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac_array import PackedMacColumns
from rtlnn.layers.mac_column import ColumnConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.stream import StreamFormat

__all__ = ["Netlist", "Stage", "emit_chain"]


@dataclass(frozen=True)
class Stage:
    """One layer of the chain, with the words of its memories by name (see `KernelConfig.memories`)."""

    name: str
    layer: LayerConfig
    contents: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Netlist:
    """Verilog text by module name, in compile order (the top last), and memory files by name."""

    top: str
    modules: Mapping[str, str]
    memories: Mapping[str, str]


def emit_chain(top: str, stages: Sequence[Stage], input_bits: int, output_bits: int) -> Netlist:
    """Convert the chain of `stages` and the module `top` that joins them.

    The top's ports are aclk, aresetn, s_axis_*, m_axis_*, and frame_error if a stage is a frame guard. Its
    elements take `input_bits` and `output_bits` bits.
    Raises `TypeError` if two stages do not fit together, `ValueError` for names that Verilog does not take, or twice.
    """
    for name in (top, *(f"{top}_{stage.name}" for stage in stages)):
        check_name(name)
    if len({stage.name for stage in stages}) < len(stages):
        raise ValueError(f"two stages have the same name: {[stage.name for stage in stages]}")
    for a, b in pairwise(stages):
        source, sink = a.layer.output, b.layer.input
        if not source.same_beats(sink):
            raise TypeError(f"{a.name} delivers {source}, {b.name} takes {sink}")
    names: dict[LayerConfig | ColumnConfig, str] = {}
    distinct: dict[str, tuple[Elaboratable, Any]] = {}
    modules, memories = {}, {}

    def add(config: LayerConfig | ColumnConfig, name: str) -> None:
        if config not in names:
            names[config] = name
            distinct[name] = (config.component(), None)

    for stage in stages:
        module = f"{top}_{stage.name}"
        if isinstance(stage.layer, KernelConfig):
            for name, part in stage.layer.parts.items():
                add(part, f"{module}{SEPARATOR}{name}")
            for port in stage.layer.memories:
                name = f"{module}{SEPARATOR}{port.name}"
                modules[name] = rom_module(name, port.width, port.depth)
                memories[f"{name}.mem"] = memory_file(stage.contents[port.name], port.width)
        add(stage.layer, module)
    chain = _Chain(top, stages, names, input_bits, output_bits)
    distinct[top] = (chain, chain.ports())
    return Netlist(top, {**modules, **convert(distinct)}, memories)


class _Chain(Elaboratable):
    """The top module."""

    def __init__(
        self,
        top: str,
        stages: Sequence[Stage],
        names: Mapping[LayerConfig | ColumnConfig, str],
        input_bits: int,
        output_bits: int,
    ) -> None:
        self._top, self._stages, self._names = top, stages, names
        self._source: StreamFormat = stages[0].layer.input
        self._sink: StreamFormat = stages[-1].layer.output
        self._bits = input_bits, output_bits
        self.aclk, self.aresetn = Signal(name="aclk"), Signal(name="aresetn")
        self.s = _Wires("s_axis_", self._source.elements * input_bits)
        self.m = _Wires("m_axis_", self._sink.elements * output_bits)
        self.frame_error = Signal(name="frame_error")

    def ports(self) -> dict[str, tuple[Signal, None]]:
        """All ports; their direction follows from who drives them."""
        signals = [w for s in (self.s, self.m) for w in (s.tdata, s.tvalid, s.tready, s.tlast)]
        if any(isinstance(stage.layer, GuardConfig) for stage in self._stages):
            signals.append(self.frame_error)
        return {s.name: (s, None) for s in (self.aclk, self.aresetn, *signals)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        wires = _Wires("input_", self._source.width)
        bits = self._source.bits
        narrow = [self.s.tdata.word_select(n, self._bits[0])[:bits] for n in range(self._source.elements)]
        m.d.comb += [
            wires.tdata.eq(Cat(*narrow)),
            wires.tvalid.eq(self.s.tvalid),
            wires.tlast.eq(self.s.tlast),
            self.s.tready.eq(wires.tready),
        ]
        for stage in self._stages:
            wires = self._instance(m, stage, wires)
        for n in range(self._sink.elements):
            value = wires.tdata.word_select(n, self._sink.bits)
            m.d.comb += self.m.tdata.word_select(n, self._bits[1]).eq(value.as_signed() if self._sink.signed else value)
        m.d.comb += [
            self.m.tvalid.eq(wires.tvalid),
            self.m.tlast.eq(wires.tlast),
            wires.tready.eq(self.m.tready),
        ]
        return m

    def _instance(self, m: Module, stage: Stage, wires: "_Wires") -> "_Wires":
        out = _Wires(f"{stage.name}_", stage.layer.output.width)
        ports: dict[str, Any] = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal(),
            "i_i__tdata": wires.tdata,
            "i_i__tvalid": wires.tvalid,
            "i_i__tlast": wires.tlast,
            "o_i__tready": wires.tready,
            "o_o__tdata": out.tdata,
            "o_o__tvalid": out.tvalid,
            "o_o__tlast": out.tlast,
            "i_o__tready": out.tready,
        }
        if isinstance(stage.layer, GuardConfig):
            ports["o_frame_error"] = self.frame_error
        if isinstance(stage.layer, KernelConfig):
            ports |= self._beside(m, stage.name, stage.layer)
        m.submodules[stage.name] = Instance(self._names[stage.layer], **ports)
        return out

    def _beside(self, m: Module, name: str, layer: KernelConfig) -> dict[str, Any]:
        """Memories and columns of a kernel, and its ports to them."""
        ports: dict[str, Any] = {}
        words = {}
        for port in layer.memories:
            address = Signal(range(max(port.depth, 2)), name=f"{name}_{port.name}_address")
            words[port] = Signal(port.width, name=f"{name}_{port.name}_data")
            ports[f"o_{port.name}_address"] = address
            m.submodules[f"{name}{SEPARATOR}{port.name}"] = Instance(
                f"{self._top}_{name}{SEPARATOR}{port.name}", i_clk=ClockSignal(), i_addr=address, o_data=words[port]
            )
        if isinstance(layer.array, PackedMacConfig):
            parts = {part: self._names[config] for part, config in layer.parts.items()}
            m.submodules[f"{name}{SEPARATOR}columns"] = columns = PackedMacColumns(layer.array, parts)
            slices = layer.weight_layout.join(m, [words.pop(port) for port in layer.weight_memories], name)
            m.d.comb += [word.eq(value) for word, value in zip(columns.weights, slices, strict=True)]
            ports |= {
                "o_column_inputs": columns.inputs,
                "o_column_valid": columns.valid,
                "o_column_first": columns.first,
                "i_column_sums": columns.acc,
            }
        return ports | {f"i_{port.name}_data": word for port, word in words.items()}


class _Wires:
    """The four signals of a stream."""

    def __init__(self, prefix: str, width: int) -> None:
        self.tdata = Signal(width, name=f"{prefix}tdata")
        self.tvalid = Signal(name=f"{prefix}tvalid")
        self.tready = Signal(name=f"{prefix}tready")
        self.tlast = Signal(name=f"{prefix}tlast")
