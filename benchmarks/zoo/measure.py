"""From a network's file to its row: accepted, exact, accurate, how fast and how large."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

import rtlnn
from benchmarks.measure import resource_figures
from benchmarks.zoo.catalogue import Dialect, Entry
from benchmarks.zoo.data import Inputs
from rtlnn.comparing import Difference, compare
from rtlnn.comparing.runtime import Runtime, with_outputs
from rtlnn.errors import CheckFailed, InputError
from rtlnn.load import load_network
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.by_layer import simulate_layers
from rtlnn.sim.compiled import compile_core, quiet_limit
from rtlnn.sim.reference import Reference, load
from rtlnn.synthesis import synth

__all__ = ["Outcome", "measure"]

_ROUNDING = 1e-6
"""Differences of real outputs up to this one, in units of the output, do not count."""


@dataclass(frozen=True)
class Outcome:
    """A row; None where there is nothing to measure.

    Parameters
    ----------
    refused : why there is no design
    differing : share of the output values that differ from onnxruntime's, end to end; of float models, when quantized
    largest : the largest difference, in units of the output
    accuracy, theirs : percent, of the integer reference and of onnxruntime on the same frames
    scored : frames that `accuracy` counts
    simulated : frames that went through the RTL, every bit equal to the reference
    interval, latency : simulated cycles, and planned ones; planned ones alone where layers were simulated one by one
    figures : resources, counted by Yosys
    """

    refused: str | None = None
    differing: float | None = None
    largest: float | None = None
    accuracy: float | None = None
    theirs: float | None = None
    scored: int = 0
    simulated: int = 0
    interval: int | None = None
    latency: int | None = None
    figures: dict[str, float] | None = None


def measure(entry: Entry, folder: Path, work: Path, say: Callable[[str], None]) -> Outcome:
    """Measure `entry` with the files in `folder` (`models/`, `datasets/`); builds go to `work`.

    Raises `CheckFailed` where the RTL's bits or cycles are not what was promised.
    """
    model = folder / "models" / entry.file
    if not model.exists():
        raise InputError(f"there is no {model}; give the folder that holds models/ and datasets/ with --data")
    inputs = entry.inputs(folder / "datasets")
    say(f"{entry.name}: importing")
    try:
        reference = Reference(load_network(model, inputs.calibration, precision=entry.options.precision))
    except InputError as error:
        return Outcome(refused=" ".join(line.strip() for line in str(error).splitlines()[:2]))
    say(f"{entry.name}: comparing")
    differing, largest = _differences(entry, model, inputs)
    accuracy, theirs = _accuracies(entry, model, reference, inputs)
    say(f"{entry.name}: building")
    build = work / "".join(c if c.isalnum() else "_" for c in entry.name)
    report = rtlnn.build(model, build, replace(entry.options, calibration=inputs.calibration))
    interval, latency = expected = report["interval_cycles"], report["latency_cycles"]
    say(f"{entry.name}: simulating")
    if entry.by_layer:
        _simulate_layers(entry, build, reference, inputs)
    else:
        interval, latency = _simulated(entry, build, reference, inputs)
    if (interval, latency) != expected:
        raise CheckFailed(f"{entry.name}: {interval}, {latency} cycles simulated, {expected} planned")
    say(f"{entry.name}: synthesizing")
    figures = {figure.value: value for figure, value in resource_figures(synth(build)).items()}
    return Outcome(
        None, differing, largest, accuracy, theirs, min(entry.scored, len(inputs.frames)), entry.simulated, interval,
        latency, figures,
    )  # fmt: skip


def _differences(entry: Entry, model: Path, inputs: Inputs) -> tuple[float | None, float | None]:
    """Share of differing outputs, and the largest difference; nothing for a dialect that onnxruntime does not know."""
    if entry.dialect == Dialect.QONNX:
        return None, None
    found = compare(model, inputs.frames, inputs.calibration, precision=entry.options.precision, frames=entry.compared)
    # real outputs may end in a host's Softmax, where float32 rounds
    every = [d if d.largest > _ROUNDING else Difference(d.values) for _, d in found.outputs]
    return sum(d.differing for d in every) / sum(d.values for d in every), max(d.largest for d in every)


def _theirs(model: Path, frames: NDArray[np.generic]) -> NDArray[np.generic]:
    """onnxruntime's outputs for `frames`; one by one where the model has a fixed batch size."""
    proto = onnx.load(model)
    runtime = Runtime(with_outputs(proto, ()), model.stem, unsigned=True)
    stored = {tensor.name for tensor in proto.graph.initializer}
    source = next(port for port in proto.graph.input if port.name not in stored)
    output = proto.graph.output[0].name
    fixed = source.type.tensor_type.shape.dim[0].HasField("dim_value")
    parts = [
        runtime.run({source.name: part}, [output])[output] for part in np.split(frames, len(frames) if fixed else 1)
    ]
    return np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])


def _accuracies(entry: Entry, model: Path, reference: Reference, inputs: Inputs) -> tuple[float | None, float | None]:
    """Percent right: the reference, onnxruntime."""
    if inputs.labels is None:
        return None, None
    frames, labels = inputs.frames[: entry.scored], inputs.labels[: entry.scored]

    def percent(answers: NDArray[np.generic]) -> float:
        return 100 * float((answers.reshape(len(frames), -1).argmax(axis=1) == labels).mean())

    batches = [reference(frames[n : n + 500]) for n in range(0, len(frames), 500)]
    theirs = None if entry.dialect == Dialect.QONNX else percent(_theirs(model, frames))
    return percent(np.concatenate(batches)), theirs


def _simulated(entry: Entry, build: Path, reference: Reference, inputs: Inputs) -> tuple[int, int]:
    """Interval and latency in the RTL. Raises `CheckFailed` where a bit differs from the reference."""
    folder = BuildFolder.open(build)
    (frames,) = reference.network.to_core(inputs.frames[: entry.simulated])
    run = compile_core(folder).run(frames, quiet_limit=quiet_limit(folder.interface))
    run.check(load(build).run(frames).reshape(run.outputs.shape))
    return int(max(run.steady_intervals)), int(run.latency)


def _simulate_layers(entry: Entry, build: Path, reference: Reference, inputs: Inputs) -> None:
    """Raises `CheckFailed` where a layer's bits, or its cycles, are not those of the reference and the schedule."""
    (frames,) = reference.network.to_core(inputs.frames[: entry.simulated])
    result = simulate_layers(build, frames)
    failures = [f"{layer.name}: {text}" for layer in result.layers for text in layer.failures]
    if failures:
        raise CheckFailed("\n".join([f"{entry.name}:", *failures[:10]]))
