"""The port through which weights are loaded: its wires between the top's ports, the loader, guards and memories."""

from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal, Value

from rtlnn.emit.names import SEPARATOR
from rtlnn.emit.weights import beats_of, load_contents
from rtlnn.layers.circuit import Circuit
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.weight_loader import BEAT_BITS, LoaderConfig

__all__ = ["Loading"]

_PORT = "s_axis_weights_"


@dataclass(frozen=True, eq=False)
class Loading:
    """The loader of a design, in the module `module`.

    Its ports are `s_axis_weights_tdata` (64 bits), `_tvalid`, `_tready` and `_tlast`, and `weights_loaded`.

    Parameters
    ----------
    memories : (stage, memory) of each memory, by their names, in the order in which they come
    contents : what they hold
    """

    module: str
    config: LoaderConfig
    memories: tuple[tuple[str, str], ...]
    contents: bytes
    _signals: dict[str, Signal] = field(default_factory=dict)

    @classmethod
    def of(cls, top: str, circuit: Circuit) -> "Loading | None":
        """None where nothing is loaded. Raises `ValueError` for an input that no gate can close."""
        config = circuit.loader
        if config is None:
            return None
        gates = [stage for stage in circuit.stages if isinstance(stage.layer, GuardConfig) and stage.layer.gated]
        if len(gates) != config.inputs:
            raise ValueError(f"{config.inputs} inputs, but {len(gates)} guards that wait for the weights")
        memories = tuple((stage.name, port.name) for stage, port in circuit.loaded)
        return cls(f"{top}{SEPARATOR}weight_loader", config, memories, load_contents(circuit))

    def _signal(self, name: str, width: int = 1) -> Signal:
        return self._signals.setdefault(name, Signal(width, name=name))

    @property
    def ports(self) -> list[Signal]:
        """Those of the top module."""
        widths = {"tdata": BEAT_BITS, "tvalid": 1, "tready": 1, "tlast": 1}
        return [self._signal(_PORT + name, width) for name, width in widths.items()] + [self._signal("weights_loaded")]

    def of_guard(self, number: int) -> dict[str, Any]:
        """Ports of the guard of input `number`."""
        return {"i_run": self._signal("weights_run"), "o_begun": self._signal(f"frame_begun{number}")}

    def of_memory(self, stage: str, name: str) -> dict[str, Any]:
        """Ports of a memory beside `stage`."""
        number = self.memories.index((stage, name))
        depth, width = self.config.memories[number]
        # a word's beats are the uppermost of the register
        data = self._data[-beats_of(width) * BEAT_BITS :]
        return {
            "i_load_enable": self._enable[number],
            "i_load_addr": self._address[: max((depth - 1).bit_length(), 1)],
            "i_load_data": data[:width],
        }

    @property
    def _enable(self) -> Signal:
        return self._signal("weights_enable", len(self.config.memories))

    @property
    def _address(self) -> Signal:
        return self._signal("weights_address", max((self.config.depth - 1).bit_length(), 1))

    @property
    def _data(self) -> Signal:
        return self._signal("weights_data", BEAT_BITS * max(self.config.parts))

    def instance(self, m: Module, left: Value) -> Instance:
        """The loader; `left` says of which outputs a frame's last beat leaves."""
        begun = [self._signal(f"frame_begun{n}") for n in range(self.config.inputs)]
        flags = {"begun": Signal(len(begun), name="frames_begun"), "left": Signal(len(left), name="frames_left")}
        m.d.comb += [flags["left"].eq(left), *(flags["begun"][n].eq(flag) for n, flag in enumerate(begun))]
        tdata, tvalid, tready, tlast, loaded = self.ports
        return Instance(
            self.module,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_w__tdata=tdata,
            i_w__tvalid=tvalid,
            o_w__tready=tready,
            i_w__tlast=tlast,
            o_run=self._signal("weights_run"),
            o_loaded=loaded,
            i_begun=flags["begun"],
            i_left=flags["left"],
            o_enable=self._enable,
            o_address=self._address,
            o_data=self._data,
        )
