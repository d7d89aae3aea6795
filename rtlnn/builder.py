"""From a model to a folder with everything that its hardware needs."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import onnx

from rtlnn.design_interface import interface_of
from rtlnn.emit.documents import instantiation_template, port_sheet
from rtlnn.emit.interface import Interface
from rtlnn.emit.ip import ip_files
from rtlnn.emit.netlist import Bus, emit_circuit
from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.vivado import vivado_files
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.load import load_network
from rtlnn.mixed_precision import choose_bits
from rtlnn.ops import Precision
from rtlnn.ops.serialize import save_network
from rtlnn.passes.settings import Settings
from rtlnn.passes.softmax import SoftmaxPlace
from rtlnn.plan.dies import Dies
from rtlnn.plan.goal import DEFAULT_SHARE, Budget, Goal, Objective
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.planner import Design, plan_network
from rtlnn.plan.streaming import ExternalMemory
from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.alveo.units import unit_share, with_units
from rtlnn.platforms.loader import load_platform
from rtlnn.platforms.shells import emit_host_program, emit_shell, stream_rates
from rtlnn.platforms.spec import Platform
from rtlnn.precision import read_precision
from rtlnn.quantization import Calibration, CalibrationData, CalibrationMethod
from rtlnn.report import report_of

__all__ = ["Options", "build", "estimate"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a design is made for.

    Parameters
    ----------
    platform : name, or path of a platform file
    calibration : typical inputs for a float model
    input_shapes : for inputs with unknown dimensions
    precision : of the requantizations
    settings : bits and requantizations layer by layer, or a precision file that says them
    calibration_method : how the ranges of a float model's activations are taken from the data
    accuracy_drop, labels : choose the bits of a float classifier layer by layer, so that no more percent points of
        accuracy are lost on the calibration data, whose classes `labels` are
    softmax : where a Softmax is computed
    objective : what to optimize
    target_interval, target_fps : cycles a frame, or frames a second, to reach; at most one of them
    max_dsp, max_lut, max_bram : budget (default: the utilization)
    utilization : part of what the platform leaves to the user that may be filled, above 0 and at most 1; the fuller,
        the harder it is to route
    plan : a plan file to follow, in place of a search
    stream : names of dense layers whose weights are to come from external memory, whether they fit on the chip or not
    batch : the most frames for which such weights may come once; then frames have to be sent in whole batches
    reloadable : names of layers whose weights may be replaced while the design runs; `all` for every layer
    compute_units : copies of the design on the card (default: what the platform says); targets and budget are for one
    """

    platform: str | Path = "u200"
    calibration: CalibrationData | None = None
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    precision: Precision = Precision.EXACT
    settings: Settings | Path | str | None = None
    calibration_method: CalibrationMethod = CalibrationMethod.MIN_MAX
    accuracy_drop: float | None = None
    labels: Path | str | Array | None = None
    softmax: SoftmaxPlace = SoftmaxPlace.HOST
    objective: Objective = Objective.THROUGHPUT
    target_interval: int | None = None
    target_fps: float | None = None
    max_dsp: int | None = None
    max_lut: int | None = None
    max_bram: float | None = None
    utilization: float = DEFAULT_SHARE
    plan: Path | None = None
    stream: tuple[str, ...] = ()
    batch: int = 1
    reloadable: tuple[str, ...] = ()
    compute_units: int | None = None

    def layer_settings(
        self, model: Path | str | onnx.ModelProto, progress: Progress
    ) -> tuple[Settings | None, tuple[str, ...]]:
        """Bits and requantizations layer by layer, and notes on them. Raises `InputError`."""
        given = self.settings
        if self.accuracy_drop is None:
            if self.labels is not None:
                raise InputError("labels are for choosing bits: give an accuracy drop, too")
            return given if given is None or isinstance(given, Settings) else read_precision(given), ()
        if given is not None:
            raise InputError("give precision settings, or an accuracy drop to choose them by, not both")
        if self.labels is None or self.calibration is None or isinstance(self.calibration, Calibration):
            raise InputError("choosing bits by accuracy needs labelled data: give calibration data and labels for them")
        chosen = choose_bits(
            model,
            self.calibration,
            self.labels,
            self.accuracy_drop,
            self.input_shapes,
            self.calibration_method,
            progress,
        )
        return chosen.settings, (chosen.note,)

    def goal(self, platform: Platform) -> Goal:
        """Raises `InputError` for contradictory or impossible targets."""
        if self.target_fps is None:
            return Goal(self.objective, self.target_interval)
        if self.target_interval is not None:
            raise InputError("give a target interval or a target frame rate, not both")
        if self.target_fps <= 0:
            raise InputError(f"the target frame rate must be positive, not {self.target_fps}")
        interval = int(platform.clock_mhz * 1e6 / self.target_fps)
        if interval < 1:
            raise InputError(
                f"{self.target_fps:,.0f} frames a second cannot be reached at {platform.clock_mhz:g} MHz: not even one "
                f"frame a cycle, {platform.clock_mhz * 1e6:,.0f} a second, is that many"
            )
        return Goal(self.objective, interval)

    def memory(self, platform: Platform) -> ExternalMemory | None:
        """Where weights may be streamed from. Raises `InputError` if they shall be, and there is no such memory."""
        if self.batch < 1:
            raise InputError(f"a batch has at least one frame, not {self.batch}")
        if channels := stream_rates(platform):
            return ExternalMemory(channels, self.batch, self.stream, inf if platform.shell is None else WORD_BYTES)
        if self.stream or self.batch > 1:
            why = "its shell does not read weights for every frame" if platform.shell else "no memory bank with a rate"
            raise InputError(
                f"weights cannot be streamed on platform {platform.name}: {why}; choose a Vitis card such as u200, or "
                "a platform without a shell whose file lists `memory` with `gigabytes_per_second`, such as vu9p"
            )
        return None

    def budget(self, platform: Platform) -> Budget:
        free = unit_share(platform)
        for name, value in (("max-dsp", self.max_dsp), ("max-lut", self.max_lut), ("max-bram", self.max_bram)):
            if value is not None and value < 0:
                raise InputError(f"--{name} must not be negative")
        if not 0 < self.utilization <= 1:
            raise InputError(f"the utilization must be above 0 and at most 1, not {self.utilization:g}")

        def limit(given: float | None, available: float) -> float:
            return self.utilization * available if given is None else min(given, available)

        return Budget(
            limit(self.max_lut, free.lut),
            limit(None, free.ff),
            limit(self.max_dsp, free.dsp),
            limit(self.max_bram, free.bram36),
            limit(None, free.uram),
        )

    def dies(self, platform: Platform) -> Dies | None:
        """The dies of a chip that has several, for one design; each may be as full as the chip."""
        if len(platform.slrs) == 1 or unit_share(platform) != platform.available:
            return None
        regions = {region.name: region.resources for region in platform.slrs}
        return Dies.of(regions, self.budget(platform), self.utilization)


def _nothing(step: str) -> None:
    """No progress is shown."""


def _designed(model: Path | str | onnx.ModelProto, options: Options, progress: Progress) -> tuple[Design, Platform]:
    platform = load_platform(options.platform)
    if options.compute_units is not None:
        platform = with_units(platform, options.compute_units)
    given = HardwarePlan.load(options.plan) if options.plan else None
    goal, budget = options.goal(platform), options.budget(platform)
    settings, notes = options.layer_settings(model, progress)
    progress("reading the model")
    network = load_network(
        model, options.calibration, options.input_shapes, options.precision, settings, options.calibration_method,
        options.softmax, progress, options.reloadable,
    )  # fmt: skip
    _check_shell(network, platform)
    network = replace(network, notes=(*network.notes, *notes))
    dies, memory = options.dies(platform), options.memory(platform)
    design = plan_network(network, platform.name, platform.arithmetic, goal, budget, given, dies, progress, memory)
    if design.circuit.weights and memory is None:
        raise InputError(f"the plan streams weights, which platform {platform.name} cannot do; choose vu9p, say")
    return design, platform


def _check_shell(network: Network, platform: Platform) -> None:
    """Raise `InputError` if the platform's shell has too few streams."""
    core = network.core
    if platform.shell and (len(core.inputs), len(core.outputs)) != (1, 1):
        raise InputError(
            f"{network.name} has {len(core.inputs)} inputs and {len(core.outputs)} outputs in hardware, but the shell "
            f"of platform {platform.name} has one of each; choose a platform without a shell, such as vu9p"
        )


def estimate(
    model: Path | str | onnx.ModelProto, options: Options | None = None, progress: Progress = _nothing
) -> dict[str, Any]:
    """The report of the design that `build` would make; nothing is written. Raises `InputError`."""
    design, platform = _designed(model, options or Options(), progress)
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
    design, platform = _designed(model, options or Options(), progress)
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
