"""The design as a core for FuseSoC (CAPI2)."""

from typing import Any

import yaml

from rtlnn.emit.ip.design import LIBRARY, VENDOR, VERSION, Design

__all__ = ["core_file"]


def core_file(design: Design) -> str:
    """The text of `<top>.core`.

    Memory files are copied to where tools run, because there the Verilog looks for them. Target `default` is for
    designs that depend on this one, where tools have the vendor's primitives; `simulation` has models of them, too;
    `lint` (Verilator) and `elaborate` (Icarus Verilog) check the design alone.
    """
    sets: dict[str, Any] = {"rtl": {"files": list(design.sources), "file_type": "verilogSource-2005"}}
    used = ["rtl"]
    if design.memories:
        copies = [{path: {"copyto": path.removeprefix("mem/")}} for path in design.memories]
        sets["memories"] = {"files": copies, "file_type": "user"}
        used.append("memories")
    if design.models:
        sets["models"] = {"files": list(design.models), "file_type": "verilogSource-2005"}
    simulated = ["models", *used] if design.models else used
    core = {
        "name": f"{VENDOR}:{LIBRARY}:{design.top}:{VERSION}",
        "description": design.description,
        "filesets": sets,
        "targets": {
            "default": {"filesets": used, "toplevel": design.top},
            "simulation": {"filesets": simulated, "toplevel": design.top},
            "lint": {
                "filesets": simulated,
                "toplevel": design.top,
                "default_tool": "verilator",
                "tools": {"verilator": {"mode": "lint-only", "verilator_options": ["-Wno-lint", "-Wno-style"]}},
            },
            "elaborate": {
                "filesets": simulated,
                "toplevel": design.top,
                "default_tool": "icarus",
                "tools": {"icarus": {"iverilog_options": ["-g2005"]}},
            },
        },
    }
    text: str = yaml.safe_dump(core, sort_keys=False, width=120)
    return f"CAPI=2:\n{text}"
