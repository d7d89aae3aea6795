"""What the packagers need to know of a design: its name, ports, buses and files."""

from collections.abc import Iterable
from dataclasses import dataclass

from rtlnn.emit.interface import Interface
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.weight_loader import BEAT_BITS

__all__ = ["LIBRARY", "VENDOR", "VERSION", "Design", "Port", "Stream"]

VENDOR, LIBRARY, VERSION = "rtlnn", "network", "1.0"

CLOCK, RESET = "aclk", "aresetn"


@dataclass(frozen=True)
class Port:
    """A port of the top module. `vector` is False for a wire without a range."""

    name: str
    is_input: bool
    width: int
    vector: bool = False


@dataclass(frozen=True)
class Stream:
    """An AXI4-Stream of the top module; `is_input` where the design is its slave."""

    name: str
    is_input: bool
    tdata_bits: int

    @property
    def ports(self) -> tuple[Port, ...]:
        forth = self.is_input
        return (
            Port(f"{self.name}_tdata", forth, self.tdata_bits, vector=True),
            Port(f"{self.name}_tvalid", forth, 1),
            Port(f"{self.name}_tready", not forth, 1),
            Port(f"{self.name}_tlast", forth, 1),
        )


@dataclass(frozen=True)
class Design:
    """A built core.

    Parameters
    ----------
    top : its top module
    description : a line for catalogues
    streams : all its buses
    flags : its other outputs
    sources : Verilog files in compile order, relative to the build folder
    models : Verilog models of the vendor's primitives, for simulation alone
    memories : contents of its memories, for `$readmemh`
    arithmetic : what multipliers it is written for
    """

    top: str
    description: str
    streams: tuple[Stream, ...]
    flags: tuple[str, ...]
    sources: tuple[str, ...]
    models: tuple[str, ...]
    memories: tuple[str, ...]
    arithmetic: Arithmetic

    @classmethod
    def of(cls, interface: Interface, paths: Iterable[str], model: str, arithmetic: Arithmetic) -> "Design":
        """`paths` are the build's files, relative to its folder, `model` the name of the network."""
        paths = tuple(paths)
        streams = [Stream(name, True, port.tdata_bits) for name, port in interface.inputs.items()]
        streams += [Stream(name, False, port.tdata_bits) for name, port in interface.outputs.items()]
        flags = ["frame_error"]
        if interface.weight_beats is not None:
            streams.append(Stream("s_axis_weights", True, BEAT_BITS))
            flags.append("weights_loaded")

        def under(folder: str, suffix: str) -> tuple[str, ...]:
            found = (p for p in paths if p.startswith(f"{folder}/") and p.endswith(suffix))
            return tuple(p for p in found if p != f"mem/{WEIGHTS_FILE}")

        return cls(
            interface.top,
            f"Neural network {model}, AXI4-Stream in and out",
            tuple(streams),
            tuple(flags),
            under("rtl", ".v"),
            under("sim", ".v"),
            under("mem", ".mem"),
            arithmetic,
        )

    @property
    def ports(self) -> tuple[Port, ...]:
        """All ports of the top module."""
        buses = (port for stream in self.streams for port in stream.ports)
        flags = (Port(name, False, 1) for name in self.flags)
        return (Port(CLOCK, True, 1), Port(RESET, True, 1), *buses, *flags)
