"""From a model to a folder with everything that its hardware needs."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import onnx

from rtlnn.design_interface import interface_of
from rtlnn.designing import designed
from rtlnn.emit.documents import instantiation_template, port_sheet
from rtlnn.emit.interface import Interface
from rtlnn.emit.ip import ip_files
from rtlnn.emit.netlist import Bus, emit_circuit
from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.vivado import vivado_files
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import InputError
from rtlnn.ops.serialize import save_network
from rtlnn.options import Options, Progress
from rtlnn.plan.planner import Design
from rtlnn.platforms.shells import emit_host_program, emit_shell
from rtlnn.platforms.spec import Platform
from rtlnn.report import report_of

__all__ = ["build", "estimate"]


def _nothing(step: str) -> None:
    """No progress is shown."""


def estimate(
    model: Path | str | onnx.ModelProto, options: Options | None = None, progress: Progress = _nothing
) -> dict[str, Any]:
    """The report of the design that `build` would make; nothing is written. Raises `InputError`."""
    design, platform = designed(model, options or Options(), progress)
    return report_of(design, platform, len(interface_of(design, platform).units) or 1)


def build(
    model: Path | str | onnx.ModelProto,
    output: Path | str,
    options: Options | None = None,
    progress: Progress = _nothing,
) -> dict[str, Any]:
    """Build `model` into the folder `output`, which is replaced as a whole once everything is done.

    Returns the report. Raises `InputError`; then nothing is left behind.
    """
    output = Path(output)
    _check_output(output)
    design, platform = designed(model, options or Options(), progress)
    interface = interface_of(design, platform)
    report = report_of(design, platform, len(interface.units) or 1)
    output.parent.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the last step is a rename
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as scratch:
        folder = Path(scratch) / "build"
        _write(folder, design, platform, interface, report, progress)
        _replace(output, folder, Path(scratch) / "old")
    return report


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"the output {output} is a file; give a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / "interface.json").exists():
        raise InputError(
            f"the output {output} is a folder with other things in it; give a new one, or an earlier build"
        )


def _write(
    folder: Path, design: Design, platform: Platform, interface: Interface, report: dict[str, Any], progress: Progress
) -> None:
    progress("filling memories")
    filled = design.filled()
    progress("generating Verilog")
    sides = interface.inputs, interface.outputs
    inputs, outputs = ([Bus(name, port.element_bits) for name, port in ports.items()] for ports in sides)
    inputs += [Bus(name, 8) for name in interface.weights]
    netlist = emit_circuit(interface.top, filled, inputs, outputs)
    files = {f"rtl/{name}.v": text for name, text in netlist.modules.items()}
    files["rtl/files.f"] = "".join(f"{name}.v\n" for name in netlist.modules)
    files |= {f"mem/{name}": text for name, text in netlist.memories.items()}
    if any("DSP48E2" in text for text in netlist.modules.values()):
        files |= simulation_models("DSP48E2")
    files["plan.json"] = design.plan.to_json()
    files["report.json"] = json.dumps(report, indent=2) + "\n"
    files["interface.json"] = interface.to_json()
    files[f"{interface.top}_template.v"] = instantiation_template(interface)
    files["README.md"] = port_sheet(interface, report)
    files |= vivado_files(interface, platform, filled.stages)
    files |= ip_files(interface, platform, design.network.name, tuple(files))
    progress("writing files")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "mem").mkdir(exist_ok=True)  # with no memory but those that are loaded, or filled from streams
    if netlist.weights:
        (folder / "mem" / WEIGHTS_FILE).write_bytes(netlist.weights)
    for bus, contents in netlist.streams.items():
        (folder / "mem" / interface.weights[bus].file).write_bytes(contents)
    save_network(design.network, folder / "network.npz")
    if platform.shell:
        progress("generating the platform's shell")
        emit_shell(interface, platform, folder)
        emit_host_program(design.network, interface, platform, folder)


def _replace(output: Path, folder: Path, aside: Path) -> None:
    """Put `folder` in the place of `output`."""
    if output.exists():
        output.rename(aside)
    shutil.move(folder, output)
