"""Runs the integer network, and its float original, and gathers what values occur."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from rtlnn.comparing import Comparison
from rtlnn.comparing.segments import layer_of, taps_of
from rtlnn.comparing.side_by_side import compare_subject
from rtlnn.comparing.subject import Quantization, Subject, read_subject
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array, TensorType
from rtlnn.ops import Conv2D, Dense, Precision, Requantize, Table, Thresholds
from rtlnn.profiling.result import Profile, Seen, ValueKind, ValueProfile, profile_of
from rtlnn.quantization import CalibrationData, Prepared, calibration_frames

__all__ = ["profile"]

RESULTS = (Requantize, Table, Thresholds)
"""What makes the results of layers of their sums."""

BATCH = 32
KEPT = 200_000
"""Values of one tensor that are kept; of more, evenly spaced ones."""

_SUFFIX = "_quantized"
"""What quantization appends to the name of a float value."""


class _Gathered:
    """Values of one tensor over all batches: extremes and ends of all of them, and a part to draw a picture of."""

    def __init__(self, kind: TensorType, frames: int) -> None:
        self.fixed = kind.fixed
        self.seen = Seen()
        self._every = max(1, kind.size * frames // KEPT)
        self._signal = self._noise = 0.0

    def add(self, codes: Array, wanted: Array | None) -> None:
        """Integers of one batch, and the float values that they stand for, if those are known."""
        self.seen = self.seen + Seen.of(codes, self.fixed, self._every)
        if wanted is not None:
            error = (codes - self.fixed.zero_point) * self.fixed.one_scale - wanted
            self._signal += float((wanted**2).sum())
            self._noise += float((error**2).sum())

    @property
    def decibels(self) -> float | None:
        """Signal to noise against the float values."""
        return float(10 * np.log10(self._signal / self._noise)) if self._signal and self._noise else None


def _weights(core: Graph) -> list[ValueProfile]:
    found = []
    for node in core.nodes:
        if isinstance(node.op, (Conv2D, Dense)) and node.inputs[1] in core.constants:
            codes, fixed = core.constants[node.inputs[1]], core.types[node.inputs[1]].fixed
            rows = fixed.scale if isinstance(fixed.scale, float) else np.asarray(fixed.scale)
            units = codes * np.reshape(rows, (-1, *(1,) * (codes.ndim - 1)))
            found.append(profile_of(node.name, node.inputs[1], ValueKind.WEIGHT, Seen.of(codes, fixed), fixed, units))
    return found


def _float_values(subject: Subject, calibration: CalibrationData) -> tuple[Graph, dict[str, str]] | None:
    """The float graph of a model that was quantized here, and its value for each value of the core."""
    if subject.original is None:
        return None
    graph = Prepared.of(subject.original[1], calibration).graph
    core = subject.network.core
    named = {v: v for v in core.types} | {t.value: t.tensor for t in taps_of(subject.imported, subject.network)}
    names = {v: n.removesuffix(_SUFFIX) for v, n in named.items() if n.removesuffix(_SUFFIX) in graph.types}
    return graph, {v: n for v, n in names.items() if graph.types[n].shape == core.types[v].shape}


def profile(
    model: Path | str | onnx.ModelProto,
    inputs: CalibrationData,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
    quantization: Quantization | None = None,
) -> Profile:
    """The range of every weight and activation of the integer network on `inputs`.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself; a float model is quantized first
    inputs : frames of the model's own input, an array or a .npy file
    calibration : typical inputs for a float model (default: `inputs`)
    input_shapes : for inputs with unknown dimensions
    precision : of the requantizations
    quantization : of a float model, and of requantizations layer by layer

    Without onnxruntime the comparison is left out. Raises `InputError`.
    """
    subject = read_subject(model, calibration, input_shapes, precision, quantization, typical=inputs)
    network = subject.network
    core = network.core
    data = calibration_frames(inputs, subject.imported.inputs, "the input")
    values = [*core.inputs, *(n.output for n in core.nodes if isinstance(n.op, RESULTS))]
    original = _float_values(subject, inputs if calibration is None else calibration)
    gathered = {v: _Gathered(core.types[v], len(data[0])) for v in values}
    for i in range(0, len(data[0]), BATCH):
        part = [array[i : i + BATCH] for array in data]
        seen = core.evaluate(*network.to_core(*part), keep=values)
        wanted = _float_batch(subject, original, part) if original else {}
        for v in values:
            gathered[v].add(seen[v], wanted.get(v))
    activations = [_activation(core, v, gathered[v]) for v in values]
    notes = list(network.notes)
    comparison: Comparison | None = None
    try:
        comparison = compare_subject(subject, inputs)
    except InputError as error:
        notes.append(f"not compared with onnxruntime: {error}")
    order = {n.name: i for i, n in enumerate(core.nodes)}
    both = sorted(
        (*_weights(core), *activations), key=lambda v: (order.get(v.layer, -1), v.kind is ValueKind.ACTIVATION)
    )
    return Profile(subject.imported.name, len(data[0]), tuple(both), comparison, tuple(notes))


def _activation(core: Graph, value: str, found: _Gathered) -> ValueProfile:
    fixed, seen = found.fixed, found.seen
    real = (np.asarray(seen.kept) - fixed.zero_point) * fixed.one_scale
    return profile_of(layer_of(core, value), value, ValueKind.ACTIVATION, seen, fixed, real, found.decibels)


def _float_batch(subject: Subject, original: tuple[Graph, dict[str, str]], part: Sequence[Array]) -> dict[str, Array]:
    """The float values for values of the core."""
    graph, names = original
    assert subject.original is not None
    kinds = (graph.types[v] for v in graph.inputs)
    frames = [port.frames(kind, x) for port, kind, x in zip(subject.original[1].inputs, kinds, part, strict=True)]
    made = graph.evaluate(*frames, keep=set(names.values()))
    return {v: made[n] for v, n in names.items() if n in made}
