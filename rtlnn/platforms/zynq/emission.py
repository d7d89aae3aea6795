"""Writes the shell's Verilog, the script that makes a bitstream of it, and the drivers."""

from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from amaranth.back import verilog

from rtlnn.emit.interface import Interface
from rtlnn.platforms.identity import design_id
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.zynq.host import host_arrays, host_files
from rtlnn.platforms.zynq.layout import REGISTERS_BYTES, Layout
from rtlnn.platforms.zynq.shell import ZynqShell
from rtlnn.platforms.zynq.top import ZynqTop

__all__ = ["emit_zynq"]


def emit_zynq(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write `out_dir/kernel/` (Verilog and `build.tcl`) and `out_dir/host/` (drivers).

    `out_dir` is the build folder, which holds the core already (`interface.json`, `rtl/`, `mem/`, `network.npz`). The
    output depends on these alone: no date, no absolute path.
    Raises `ValueError` if the interface names no shell, or the platform has another one.
    """
    if interface.kernel is None or not isinstance(platform.shell, ZynqShell):
        raise ValueError(f"platform {platform.name} has no Zynq shell, or the interface of {interface.top} no kernel")
    layout = Layout.of(interface, platform.shell.processor, design_id(out_dir))
    top = ZynqTop(interface, layout.word_bytes, layout.design)
    text: str = verilog.convert(top, name=interface.kernel, emit_src=False, strip_internal_attrs=True)
    source = f"rtl/{interface.kernel}.v"
    written = {f"kernel/{source}": text, "kernel/files.f": f"{source}\n"}
    written["kernel/build.tcl"] = _script(interface, platform, platform.shell, layout)
    written |= host_files(interface, platform, layout, out_dir)
    for name, content in written.items():
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, array in host_arrays(interface, out_dir).items():
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)


def _script(interface: Interface, platform: Platform, shell: ZynqShell, layout: Layout) -> str:
    loads = interface.weight_beats is not None
    engines = ["dma", "weights_dma"] if loads else ["dma"]
    masters = ["dma/M_AXI_MM2S", "dma/M_AXI_S2MM", *(["weights_dma/M_AXI_MM2S"] if loads else [])]
    segments = [f"core/s_axi/reg0 0x{layout.core_base:08X}"]
    bases = (layout.dma_base, layout.weights_base)
    segments += [f"{engine}/S_AXI_LITE/Reg 0x{base:08X}" for engine, base in zip(engines, bases, strict=False)]
    values = {
        "platform": platform.name,
        "kernel": interface.kernel,
        "part": platform.part,
        "board": shell.board,
        "clock_mhz": f"{platform.clock_mhz:g}",
        "dma_bits": shell.processor.dma_bits,
        "address_bits": shell.processor.address_bits,
        "length_bits": layout.length_bits,
        "masters": " ".join(masters),
        "slaves": " ".join(["core/s_axi", *(f"{engine}/S_AXI_LITE" for engine in engines)]),
        "segments": " ".join(segments),
        "registers_bytes": f"{REGISTERS_BYTES // 1024}K",
        "processor": _template(f"{shell.processor.value}.tcl"),
        "weights": _template("weights.tcl") if loads else "",
    }
    return Template(_template("build.tcl.in")).substitute(values)


def _template(name: str) -> str:
    return files("rtlnn.platforms.zynq").joinpath("templates", name).read_text(encoding="utf-8")
