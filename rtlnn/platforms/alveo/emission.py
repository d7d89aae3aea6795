"""Writes the kernel's Verilog and the scripts that the vendor's tools take it with."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from amaranth.back import verilog

from rtlnn.emit.interface import ComputeUnit, Interface
from rtlnn.layers.component import Resources
from rtlnn.platforms.alveo.axi import BURST_WORDS
from rtlnn.platforms.alveo.control import Register, arguments_of, memory_buses, stream_channels
from rtlnn.platforms.alveo.kernel import Kernel
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.alveo.units import place_units
from rtlnn.platforms.identity import design_id
from rtlnn.platforms.spec import Platform

__all__ = ["OUTSTANDING", "emit_kernel"]

OUTSTANDING = 8
"""Bursts in flight on each memory bus: 8 times 4 KiB hide a round trip of 512 cycles at the full 64 bytes a cycle."""

_CORE_LIST = "rtl/files.f"


def emit_kernel(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write `out_dir/kernel/`: Verilog, packaging script, link configuration and Makefile.

    `out_dir` is the build folder, which holds the core already (`interface.json`, `rtl/`, `mem/`): the kernel tells the
    number of the design. The output depends on these and the arguments alone: no date, no absolute path.
    An interface without compute units gets those of the platform, placed as if they took nothing.
    Raises `ValueError` if the interface names no kernel, or the platform has no such shell.
    """
    if interface.kernel is None or not isinstance(platform.shell, VitisShell):
        raise ValueError(f"platform {platform.name} has no Vitis shell, or the interface of {interface.top} no kernel")
    loads = interface.weight_beats is not None
    buses = [argument.port for argument in arguments_of(interface) if argument.port]
    units = interface.units or place_units(
        interface.kernel, platform, Resources(), memory_buses(loads), stream_channels(interface.weights)
    )
    values = {
        "top": interface.top,
        "kernel": interface.kernel,
        "part": platform.part,
        "target": platform.shell.target,
        "clock_mhz": f"{platform.clock_mhz:g}",
        "connectivity": _connectivity(interface.kernel, units),
        "status": f"0x{Register.STATUS:02X}",
        "core_list": _CORE_LIST,
        "registers": _registers(interface),
        "bus_parameters": _bus_parameters(interface),
        "buses": " ".join(["s_axi_control", *buses]),
    }
    folder = out_dir / "kernel"
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    source = f"rtl/{interface.kernel}.v"
    (folder / source).write_text(_verilog(interface, design_id(out_dir)))
    (folder / "files.f").write_text(f"{source}\n")
    for template, name in (
        ("package_kernel.tcl.in", "package_kernel.tcl"),
        ("link.cfg.in", f"{interface.top}.cfg"),
        ("Makefile.in", "Makefile"),
    ):
        text = files("rtlnn.platforms.alveo").joinpath("templates", template).read_text(encoding="utf-8")
        (folder / name).write_text(Template(text).substitute(values))


def _connectivity(kernel: str, units: Sequence[ComputeUnit]) -> str:
    """Lines of the link configuration: names, dies and banks of the units."""
    lines = [f"nk={kernel}:{len(units)}:{'.'.join(unit.name for unit in units)}"]
    for unit in units:
        lines += [f"slr={unit.name}:{unit.slr}"] if unit.slr else []
        lines += [f"sp={unit.name}.{bus}:{bank}" for bus, bank in unit.banks.items()]
    return "\n".join(lines)


def _verilog(interface: Interface, design: int) -> str:
    text: str = verilog.convert(
        Kernel(interface, OUTSTANDING, design), name=interface.kernel, emit_src=False, strip_internal_attrs=True
    )
    return text


def _registers(interface: Interface) -> str:
    """Lines of name, offset, bits, bus and description for the packaging script."""
    rows: list[tuple[str, int, int, str, str]] = [
        ("CTRL", Register.CONTROL, 32, "", "control signals"),
        ("GIER", Register.GLOBAL_INTERRUPT_ENABLE, 32, "", "global interrupt enable"),
        ("IP_IER", Register.INTERRUPT_ENABLE, 32, "", "interrupt enable"),
        ("IP_ISR", Register.INTERRUPT_STATUS, 32, "", "interrupt status"),
    ]
    rows += [(a.name, a.offset, a.bits, a.port or "", a.description) for a in arguments_of(interface)]
    return "\n".join(f"  {name} 0x{offset:03X} {bits} {{{bus}}} {{{text}}}" for name, offset, bits, bus, text in rows)


def _bus_parameters(interface: Interface) -> str:
    """Lines of bus, parameter and value for the packaging script."""
    rows: list[tuple[str, str, int]] = []
    for argument in arguments_of(interface):
        if bus := argument.port:
            direction, other = ("WRITE", "READ") if argument.name == "output" else ("READ", "WRITE")
            rows += [
                (bus, "MAX_BURST_LENGTH", BURST_WORDS),
                (bus, "SUPPORTS_NARROW_BURST", 0),
                (bus, f"NUM_{direction}_OUTSTANDING", OUTSTANDING),
                (bus, f"NUM_{other}_OUTSTANDING", 1),
            ]
    return "\n".join(f"  {bus} {name} {value}" for bus, name, value in rows)
