"""The netlist manager: every distinct component is converted once; the top is instances and wires."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal, Signal

from rtlnn.emit.loading import Loading
from rtlnn.emit.memory import loaded_module, memory_file, rom_module
from rtlnn.emit.names import SEPARATOR, check_name
from rtlnn.emit.verilog import convert
from rtlnn.emit.weights import stream_contents
from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import MemoryPort, StreamingLayer
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac_array import PackedMacColumns
from rtlnn.layers.mac_column import ColumnConfig
from rtlnn.layers.mac_few_bits import FewBitColumnConfig, FewBitColumns, FewBitMacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.streamed import StreamedConfig

__all__ = ["Bus", "Netlist", "Stage", "emit_chain", "emit_circuit"]


@dataclass(frozen=True)
class Netlist:
    """Verilog text by module name, in compile order (the top last), memory files by name, and weights to load.

    `streams` are the weights that come through streams, by the buses' names.
    """

    top: str
    modules: Mapping[str, str]
    memories: Mapping[str, str]
    weights: bytes = b""
    streams: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Bus:
    """A stream at the top module's boundary: ports `<name>_tdata` and so on, elements of `element_bits` bits each."""

    name: str
    element_bits: int


def emit_chain(top: str, stages: Sequence[Stage], input_bits: int, output_bits: int) -> Netlist:
    """`emit_circuit` for stages one after the other, between `s_axis` and `m_axis`."""
    return emit_circuit(top, Circuit.chain(stages), [Bus("s_axis", input_bits)], [Bus("m_axis", output_bits)])


def emit_circuit(top: str, circuit: Circuit, inputs: Sequence[Bus], outputs: Sequence[Bus]) -> Netlist:
    """Convert the stages of `circuit` and the module `top` that joins them.

    The top's ports are aclk, aresetn, those of `inputs` (those of weights last) and `outputs`, frame_error if a stage
    is a frame guard, and those of `Loading` if memories are loaded.
    Raises `TypeError` if two stages do not fit together, `ValueError` for names that Verilog does not take, or twice.
    """
    for name in (top, *(f"{top}_{stage.name}" for stage in circuit.stages)):
        check_name(name)
    circuit.verify()
    names: dict[StreamingLayer | ColumnConfig | FewBitColumnConfig, str] = {}
    distinct: dict[str, tuple[Elaboratable, Any]] = {}
    modules, memories = {}, {}
    loading = Loading.of(top, circuit)

    def add(config: StreamingLayer | ColumnConfig | FewBitColumnConfig, name: str) -> None:
        if config not in names:
            names[config] = name
            distinct[name] = (config.component(), None)

    for stage in circuit.stages:
        module = f"{top}_{stage.name}"
        if isinstance(stage.layer, KernelConfig | StreamedConfig):
            for name, part in stage.layer.parts.items():
                add(part, f"{module}{SEPARATOR}{name}")
        for port in stage.layer.memories:
            name = f"{module}{SEPARATOR}{port.name}"
            if port.loaded or port.written:
                kind = port.kind or MemoryKind.of(port.depth)
                modules[name] = loaded_module(name, port.width, port.depth, kind, port.registered)
                continue
            modules[name] = rom_module(name, port.width, port.depth, port.kind, port.ports, port.registered)
            memories[f"{name}.mem"] = memory_file(stage.contents[port.name], port.width)
        add(stage.layer, module)
    if loading:
        distinct[loading.module] = (loading.config.component(), None)
    whole = _Top(top, circuit, names, inputs, outputs, loading)
    distinct[top] = (whole, whole.ports())
    streams = dict(zip([bus.name for bus in inputs[circuit.frame_inputs :]], stream_contents(circuit), strict=True))
    return Netlist(top, {**modules, **convert(distinct)}, memories, loading.contents if loading else b"", streams)


class _Top(Elaboratable):
    """The top module."""

    def __init__(
        self,
        top: str,
        circuit: Circuit,
        names: Mapping[StreamingLayer | ColumnConfig | FewBitColumnConfig, str],
        inputs: Sequence[Bus],
        outputs: Sequence[Bus],
        loading: Loading | None,
    ) -> None:
        self._top, self._circuit, self._names, self._loading = top, circuit, names, loading
        self._bits = [bus.element_bits for bus in inputs], [bus.element_bits for bus in outputs]
        self.aclk, self.aresetn = Signal(name="aclk"), Signal(name="aresetn")
        self.s = _buses(inputs, circuit.inputs)
        self.m = _buses(outputs, circuit.output_formats)
        self.frame_error = Signal(name="frame_error")
        self._guards = sum(isinstance(stage.layer, GuardConfig) for stage in circuit.stages)

    def ports(self) -> dict[str, tuple[Signal, None]]:
        """All ports; their direction follows from who drives them."""
        signals = [w for s in (*self.s, *self.m) for w in (s.tdata, s.tvalid, s.tready, s.tlast)]
        if self._guards:
            signals.append(self.frame_error)
        if self._loading:
            signals += self._loading.ports
        return {s.name: (s, None) for s in (self.aclk, self.aresetn, *signals)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        wires: dict[Tap, _Wires] = {}
        errors: list[Signal] = []
        for n, fmt in enumerate(self._circuit.inputs):
            name = "input" if len(self.s) == 1 else f"input{n}"
            wires[Tap(DESIGN, n)] = self._entry(m, self.s[n], _Wires(f"{name}_", fmt.width), n)
        for n, stage in enumerate(self._circuit.stages):
            sources = [wires[tap] for tap in self._circuit.sources[n]]
            for port, result in enumerate(self._instance(m, stage, sources, errors)):
                wires[Tap(n, port)] = result
        if len(errors) > 1:
            m.d.comb += self.frame_error.eq(Cat(*errors).any())
        for n, tap in enumerate(self._circuit.outputs):
            self._exit(m, wires[tap], n)
        if self._loading:
            left = Cat(port.tvalid & port.tready & port.tlast for port in self.m)
            m.submodules.weight_loader = self._loading.instance(m, left)
        return m

    def _entry(self, m: Module, port: "_Wires", wires: "_Wires", number: int) -> "_Wires":
        fmt, wide = self._circuit.inputs[number], self._bits[0][number]
        m.d.comb += [
            wires.tdata.eq(Cat(*(port.tdata.word_select(n, wide)[: fmt.bits] for n in range(fmt.elements)))),
            wires.tvalid.eq(port.tvalid),
            wires.tlast.eq(port.tlast),
            port.tready.eq(wires.tready),
        ]
        return wires

    def _exit(self, m: Module, wires: "_Wires", number: int) -> None:
        port, fmt, wide = self.m[number], self._circuit.output_formats[number], self._bits[1][number]
        for n in range(fmt.elements):
            value = wires.tdata.word_select(n, fmt.bits)
            m.d.comb += port.tdata.word_select(n, wide).eq(value.as_signed() if fmt.signed else value)
        m.d.comb += [
            port.tvalid.eq(wires.tvalid),
            port.tlast.eq(wires.tlast),
            wires.tready.eq(port.tready),
        ]

    def _instance(self, m: Module, stage: Stage, sources: "Sequence[_Wires]", errors: list[Signal]) -> "list[_Wires]":
        layer = stage.layer
        ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for name, wires in zip(layer.input_names, sources, strict=True):
            ports |= {f"i_{name}__tdata": wires.tdata, f"i_{name}__tvalid": wires.tvalid}
            ports |= {f"i_{name}__tlast": wires.tlast, f"o_{name}__tready": wires.tready}
        results = []
        for name, fmt in zip(layer.output_names, layer.outputs, strict=True):
            out = _Wires(f"{stage.name}_{name.removeprefix('o')}_".replace("__", "_"), fmt.width)
            ports |= {f"o_{name}__tdata": out.tdata, f"o_{name}__tvalid": out.tvalid}
            ports |= {f"o_{name}__tlast": out.tlast, f"i_{name}__tready": out.tready}
            results.append(out)
        if isinstance(layer, GuardConfig):
            errors.append(self.frame_error if self._guards == 1 else Signal(name=f"{stage.name}_error"))
            ports["o_frame_error"] = errors[-1]
            if self._loading:
                ports |= self._loading.of_guard(len(errors) - 1)
        ports |= self._beside(m, stage.name, layer)
        m.submodules[stage.name] = Instance(self._names[layer], **ports)
        return results

    def _beside(self, m: Module, name: str, layer: StreamingLayer) -> dict[str, Any]:
        """Memories and columns of a layer, and its ports to them."""
        ports: dict[str, Any] = {}
        words = {}
        written: Iterator[dict[str, Any]] = iter(())
        if isinstance(layer, StreamedConfig):
            written = self._written(name, layer, ports)
        for port in layer.memories:
            address = Signal(port.readers * port.address_bits, name=f"{name}_{port.name}_address")
            words[port] = Signal(port.readers * port.width, name=f"{name}_{port.name}_data")
            ports[f"o_{port.name}_address"] = address
            self._memory(m, name, port, address, words[port], next(written) if port.written else {})
        kernel = layer.kernel if isinstance(layer, StreamedConfig) else layer
        if isinstance(kernel, KernelConfig) and isinstance(kernel.array, PackedMacConfig | FewBitMacConfig):
            assert isinstance(layer, KernelConfig | StreamedConfig)
            parts = {part: self._names[config] for part, config in layer.parts.items()}
            columns: PackedMacColumns | FewBitColumns
            if isinstance(kernel.array, PackedMacConfig):
                columns = PackedMacColumns(kernel.array, parts)
            else:
                columns = FewBitColumns(kernel.array, parts["column"])
            m.submodules[f"{name}{SEPARATOR}columns"] = columns
            slices = layer.weight_layout.join(m, [words.pop(port) for port in layer.weight_memories], name)
            m.d.comb += [word.eq(value) for word, value in zip(columns.weights, slices, strict=True)]
            ports |= {
                "o_column_inputs": columns.inputs,
                "o_column_valid": columns.valid,
                "o_column_first": columns.first,
                "i_column_sums": columns.acc,
            }
        return ports | {f"i_{port.name}_data": word for port, word in words.items()}

    @staticmethod
    def _written(name: str, layer: StreamedConfig, ports: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The write ports of the memories that a layer fills itself; its own are added to `ports`."""
        enable, word = Signal(name=f"{name}_write_enable"), Signal(layer.word_bits, name=f"{name}_write_word")
        place = Signal(layer.weight_memories[0].address_bits, name=f"{name}_write_place")
        ports |= {"o_write_enable": enable, "o_write_place": place, "o_write_word": word}
        begin = 0
        for port in layer.weight_memories:
            yield {"i_load_enable": enable, "i_load_addr": place, "i_load_data": word[begin : begin + port.width]}
            begin += port.width

    def _memory(
        self, m: Module, name: str, port: MemoryPort, address: Signal, data: Signal, load: dict[str, Any]
    ) -> None:
        """As many instances as the readers need; `load` are write ports that its layer drives."""
        if self._loading and port.loaded:
            load = self._loading.of_memory(name, port.name)
        for copy in range(port.copies):
            ends: dict[str, Any] = {"i_clk": ClockSignal(), **load}
            for end in range(port.ports):
                reader, suffix = copy * port.ports + end, "_b" * end
                if reader < port.readers:
                    ends[f"i_addr{suffix}"] = address.word_select(reader, port.address_bits)
                    ends[f"o_data{suffix}"] = data.word_select(reader, port.width)
                else:
                    ends[f"i_addr{suffix}"] = Const(0, port.address_bits)
                    ends[f"o_data{suffix}"] = Signal(port.width, name=f"{name}_{port.name}_unused")
            label = f"{name}{SEPARATOR}{port.name}" + (f"_{copy}" if copy else "")
            m.submodules[label] = Instance(f"{self._top}_{name}{SEPARATOR}{port.name}", **ends)


class _Wires:
    """The four signals of a stream."""

    def __init__(self, prefix: str, width: int) -> None:
        self.tdata = Signal(width, name=f"{prefix}tdata")
        self.tvalid = Signal(name=f"{prefix}tvalid")
        self.tready = Signal(name=f"{prefix}tready")
        self.tlast = Signal(name=f"{prefix}tlast")


def _buses(buses: Sequence[Bus], formats: Sequence[StreamFormat]) -> list[_Wires]:
    return [_Wires(f"{b.name}_", f.elements * b.element_bits) for b, f in zip(buses, formats, strict=True)]
