"""The package's functions: what `import rtlnn` offers.

`build` and `estimate` are those of `rtlnn.builder`; the others take the model's own arrays where the modules below
them take integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from rtlnn import quantization
from rtlnn.array_files import read_arrays
from rtlnn.builder import build, estimate
from rtlnn.checking import check_model
from rtlnn.comparing import compare
from rtlnn.errors import CheckFailed, InputError, RtlnnError
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.types import Array
from rtlnn.load import load_network
from rtlnn.ops import Precision
from rtlnn.options import Options
from rtlnn.passes.settings import LayerSettings, Rounding, Settings
from rtlnn.passes.softmax import SoftmaxPlace
from rtlnn.plan.goal import Objective
from rtlnn.profiling import profile
from rtlnn.quantization import Calibration, CalibrationData, CalibrationMethod
from rtlnn.sim.by_layer.result import LayersResult
from rtlnn.sim.on_card import CardResult
from rtlnn.sim.on_card import simulate_on_card as run_on_card
from rtlnn.sim.reference import Reference
from rtlnn.sim.reference import load as load_reference
from rtlnn.sim.result import Level, Progress, SimulationResult
from rtlnn.sim.simulate import simulate as simulate_frames
from rtlnn.sim.simulators import Simulator
from rtlnn.synthesis import SynthResult, synth

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "CheckFailed",
    "InputError",
    "LayerSettings",
    "Level",
    "Objective",
    "Options",
    "Precision",
    "Reference",
    "Rounding",
    "RtlnnError",
    "Settings",
    "SimulationResult",
    "Simulator",
    "SoftmaxPlace",
    "SynthResult",
    "build",
    "check",
    "compare",
    "estimate",
    "profile",
    "quantize",
    "reference",
    "simulate",
    "simulate_by_layer",
    "simulate_on_card",
    "synth",
]

check = check_model
quantize = quantization.quantize_model


def reference(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
    softmax: SoftmaxPlace = SoftmaxPlace.HOST,
) -> Reference:
    """The integer network of a model, or of a build folder, as a function of the model's own input and output.

    `rtlnn.reference("model.onnx", calibration="data.npy")(x)` computes in NumPy, bit for bit, what the hardware built
    from the same arguments computes, with what the host does before and after it. Of a build folder, the other
    arguments are not used. Raises `InputError`.
    """
    if isinstance(model, (str, Path)) and (Path(model) / "network.npz").is_file():
        return load_reference(model)
    return Reference(load_network(model, calibration, input_shapes, precision, softmax=softmax))


def simulate(
    build_dir: Path | str,
    inputs: Array | Mapping[str, Array] | Path | str | None = None,
    frames: int | None = None,
    level: Level = Level.CORE,
    simulator: Simulator = Simulator.VERILATOR,
    waves: bool = False,
    progress: Progress | None = None,
) -> SimulationResult:
    """Simulate a build folder, and compare every output bit with the reference and the timing with the plan.

    Parameters
    ----------
    inputs : an array or a .npy file; of several inputs arrays by name, or a .npz file. Arrays of the model's own input
        shape (one frame, or any number of them) are the
        model's own input, of whatever number type: the host's part converts them. Others must be integer frames
        (N, H, W, C), as the hardware takes them. Default: random integers over the whole range
    frames : use so many (the first ones of `inputs`)
    level : the core with its streams, or the platform's kernel with bus masters and memory
    waves : record the signals in `sim/` of the build folder
    progress : called with (step, done, total)

    Raises `InputError` if the folder, the inputs or the tools cannot be used. Whatever is wrong with the design is in
    the result; `passed` says whether all held.
    """
    if inputs is None:
        return simulate_frames(build_dir, None, frames, level, simulator, waves, progress)
    arrays, source = _given(build_dir, inputs, frames)
    result = simulate_frames(build_dir, arrays, frames, level, simulator, waves, progress)
    return replace(result, inputs=source)


def simulate_by_layer(
    build_dir: Path | str,
    inputs: Array | Mapping[str, Array] | Path | str | None = None,
    frames: int | None = None,
    layers: Sequence[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> LayersResult:
    """Simulate the layers of a build folder one by one in parallel processes, each fed with the reference's tensors.

    For networks that are too large for `simulate`. `inputs` and `frames` as there, but 2 random frames if nothing is
    given; the rest as `rtlnn.sim.by_layer.simulate_layers` says. Raises `InputError` as `simulate` does.
    """
    from rtlnn.sim.by_layer import simulate_layers

    if inputs is None:
        return simulate_layers(build_dir, None, frames, layers, workers, scheduler, progress)
    arrays, source = _given(build_dir, inputs, frames)
    result = simulate_layers(build_dir, arrays, frames, layers, workers, scheduler, progress)
    return replace(result, inputs=source)


def simulate_on_card(build_dir: Path | str, progress: Progress | None = None) -> CardResult:
    """Run the host program of a build on a card in simulation, with all its compute units behind XRT's functions.

    For builds with a Vitis kernel. The result tells whether the program's self-test passed, and the cycles a frame of
    one unit and of all, transfers included. Raises `InputError` for other builds and without tools; `CheckFailed` if
    the program fails on the way.
    """
    return run_on_card(build_dir, progress)


def _given(
    build_dir: Path | str, inputs: Array | Mapping[str, Array] | Path | str, frames: int | None
) -> tuple[list[Array], str]:
    """The hardware's input frames, and where they are from."""
    source = str(inputs) if isinstance(inputs, (Path, str)) else "array"
    network = load_reference(build_dir).network
    data = read_arrays(Path(inputs)) if isinstance(inputs, (Path, str)) else inputs
    arrays = _ordered(network, data, source)
    if all(_is_own(port, array) for port, array in zip(network.inputs, arrays, strict=True)):
        arrays = _core_frames(network, arrays, frames, source)
    return arrays, source


def _ordered(network: Network, data: Array | Mapping[str, Array], source: str) -> list[Array]:
    """An array for each of the model's inputs, in its order."""
    names = [port.name for port in network.inputs]
    if isinstance(data, np.ndarray):
        if len(names) > 1:
            raise InputError(f"{source} holds one array; the model has the inputs {', '.join(names)}: give a .npz file")
        return [data]
    if set(data) != set(names):
        raise InputError(f"{source} holds several arrays, {', '.join(data)}; the model's inputs are {', '.join(names)}")
    return [data[name] for name in names]


def _is_own(port: ModelPort, data: Array) -> bool:
    return data.dtype.kind in "fiu" and port.shape in (data.shape, data.shape[1:])


def _core_frames(network: Network, data: Sequence[Array], frames: int | None, source: str) -> list[Array]:
    """The hardware's inputs for the first `frames` of the model's own ones."""
    given = [a[np.newaxis] if a.shape == p.shape else a for p, a in zip(network.inputs, data, strict=True)]
    count = min(len(a) for a in given)
    if not count:
        raise InputError(f"{source} holds no frames; give at least one")
    if frames is not None and frames > count:
        raise InputError(f"{source} holds {count} frames, not {frames}")
    return list(network.to_core(*(a[:frames] for a in given)))
