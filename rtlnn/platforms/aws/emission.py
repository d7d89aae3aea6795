"""Writes the custom logic, what the HDK builds it with, and the host's program."""

from importlib.resources import files
from pathlib import Path
from string import Template

from amaranth.back import verilog

from rtlnn.emit.interface import Interface
from rtlnn.errors import InputError
from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.aws.shell import AwsShell
from rtlnn.platforms.aws.top import VERSION, AwsTop, memory_name, stride
from rtlnn.platforms.c_sources import port_values, vectors_header
from rtlnn.platforms.identity import MAGIC, design_id
from rtlnn.platforms.lite import LiteSignature
from rtlnn.platforms.spec import Platform

__all__ = ["emit_aws", "memory_verilog"]

_OUTPUTS_OF_HBM = ("paddr", "pprot", "psel", "penable", "pwrite", "pwdata", "pstrb", "pready", "prdata", "pslverr")
_OUTPUTS_OF_LINKS = ("PCIE_EP_TXP", "PCIE_EP_TXN", "PCIE_RP_PERSTN", "PCIE_RP_TXP", "PCIE_RP_TXN")


def emit_aws(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write `out_dir/kernel/` (Verilog, custom logic, Makefile) and `out_dir/host/` (C).

    `out_dir` is the build folder, which holds the core already (`interface.json`, `rtl/`, `mem/`, `network.npz`). The
    output depends on these alone: no date, no absolute path.
    Raises `InputError` if frames or weights do not fit the memories, `ValueError` if the interface names no shell, or
    the platform has another one.
    """
    if interface.kernel is None or not isinstance(platform.shell, AwsShell):
        raise ValueError(f"platform {platform.name} has no AWS shell, or the interface of {interface.top} no kernel")
    values = _values(interface, platform, platform.shell, design_id(out_dir))
    sizes = platform.shell.input_kib * 1024, platform.shell.output_kib * 1024
    top = AwsTop(interface, *sizes, design_id(out_dir))
    text: str = verilog.convert(top, name=interface.kernel, emit_src=False, strip_internal_attrs=True)
    logic, memory = f"cl_{interface.top}", memory_name(interface)
    sources = {f"rtl/{memory}.v": memory_verilog(interface), f"rtl/{interface.kernel}.v": text}
    written = {f"kernel/{path}": content for path, content in sources.items()}
    written["kernel/files.f"] = "".join(f"{path}\n" for path in sources)
    for name, template in (
        ("kernel/Makefile", "Makefile.in"),
        (f"kernel/{logic}/design/{logic}.sv", "cl.sv.in"),
        (f"kernel/{logic}/build/scripts/synth_{logic}.tcl", "synth.tcl.in"),
        (f"host/{interface.top}.h", "host.h.in"),
        (f"host/{interface.top}.c", "host.c.in"),
        ("host/main.c", "main.c.in"),
        ("host/Makefile", "host.mk.in"),
    ):
        written[name] = Template(_template(template)).substitute(values)
    written[f"kernel/{logic}/design/cl_id_defines.vh"] = _template("cl_id_defines.vh")
    written[f"host/{interface.top}_vectors.h"] = vectors_header(interface, out_dir)
    for name, content in written.items():
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def memory_verilog(interface: Interface) -> str:
    """The module `top.memory_name`."""
    return Template(_template("memory.v.in")).substitute(module=memory_name(interface))


def _values(interface: Interface, platform: Platform, shell: AwsShell, design: int) -> dict[str, object]:
    top, macro = interface.top, interface.top.upper()
    source, sink = (stride(port.frame_bytes) for port in (interface.input, interface.output))
    frames, results = shell.input_kib * 1024, shell.output_kib * 1024
    weights = 8 * (interface.weight_beats or 0)
    batch = min(frames // 2 // source, results // 2 // sink)
    for what, size, room, key in (
        ("a frame", source, frames // 2, "input_kib"),
        ("a result", sink, results // 2, "output_kib"),
        ("the weights", weights, frames - WORD_BYTES, "input_kib"),
    ):
        if size > room:
            raise InputError(
                f"{what} of {top} takes {size:,} bytes, but the memory of platform {platform.name} has room for "
                f"{room:,}; raise `{key}` in a platform file of your own"
            )
    values: dict[str, object] = {
        "top": top,
        "macro": macro,
        "cl": f"cl_{top}",
        "kernel": interface.kernel,
        "connections": _connections(),
        "zeros": "".join(f"  assign {name} = '0;\n" for name in _unused()).rstrip("\n"),
        "magic": f"0x{MAGIC:08X}",
        "version": VERSION,
        "design_low": f"0x{design & 0xFFFFFFFF:08X}",
        "design_high": f"0x{design >> 32:08X}",
        "input_bytes": frames,
        "output_bytes": results,
        "batch": batch,
        "weight_bytes": weights,
        "load_function": "",
        "load_call": "",
    }
    if weights:
        values["load_function"] = Template(_template("load_weights.c.in")).substitute(values)
        values["load_call"] = "    result = load_weights(&device);\n"
    values |= port_values("input", interface.input, source)
    return values | port_values("output", interface.output, sink)


def _unused() -> list[str]:
    hbm = [f"hbm_apb_{name}_{stack}" for stack in (0, 1) for name in _OUTPUTS_OF_HBM]
    return [*hbm, *_OUTPUTS_OF_LINKS]


def _connections() -> str:
    """The network's buses by the shell's names."""
    lines = []
    for name, member in LiteSignature.members.items():
        from_shell = member.flow.name == "Out"
        width = "[11:0]" if name.endswith("addr") else ""
        for bus in ("ocl", "sda"):
            lines.append(f"{bus}_{name:<10}({f'{bus}_cl' if from_shell else f'cl_{bus}'}_{name}{width})")
    channels = {"aw": "id addr len size burst valid", "ar": "id addr len size burst valid", "w": "data strb last valid"}
    for channel, names in channels.items():
        lines += [f"pcis_{channel + name:<9}(sh_cl_dma_pcis_{channel}{name})" for name in names.split()]
        lines.append(f"pcis_{channel + 'ready':<9}(cl_sh_dma_pcis_{channel}ready)")
    for channel, names in {"b": "id resp valid", "r": "id data resp last valid"}.items():
        lines += [f"pcis_{channel + name:<9}(cl_sh_dma_pcis_{channel}{name})" for name in names.split()]
        lines.append(f"pcis_{channel + 'ready':<9}(sh_cl_dma_pcis_{channel}ready)")
    return ",\n".join(f"      .{line}" for line in lines)


def _template(name: str) -> str:
    return files("rtlnn.platforms.aws").joinpath("templates", name).read_text(encoding="utf-8")
