"""Runs a model in onnxruntime and as integers, and compares every tensor that both know."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx

from rtlnn.comparing.result import Comparison, Difference, LayerComparison
from rtlnn.comparing.runtime import Runtime, with_outputs
from rtlnn.comparing.segments import Tap, segment, taps_of
from rtlnn.comparing.subject import Quantization, Subject, batches, own_shape, read_subject
from rtlnn.errors import InputError
from rtlnn.ir.types import Array
from rtlnn.ops import Dequantize, Precision
from rtlnn.quantization import CalibrationData, calibration_frames

__all__ = ["compare", "compare_subject"]

HOST_ROUNDING = 1e-6
"""Real outputs that the host computes, a Softmax for example, may differ by so much: float32 rounds there."""


class _Totals:
    """Differences that add up over batches, by value of the core or by name of an output."""

    def __init__(self) -> None:
        self.alone: dict[str, Difference] = {}
        self.through: dict[str, Difference] = {}
        self.outputs: dict[str, Difference] = {}

    @staticmethod
    def add(where: dict[str, Difference], name: str, ours: Array, theirs: Array, tolerance: float = 0.0) -> None:
        where[name] = where.get(name, Difference()) + Difference.of(ours, theirs, tolerance)


class _Comparer:
    """Compares batch by batch."""

    def __init__(self, subject: Subject, taps: tuple[Tap, ...]) -> None:
        self.network = subject.network
        self.taps = taps
        known = {t.value: t for t in taps}
        self.pieces = {t.value: segment(self.network.core, t.value, known) for t in taps}
        self.totals = _Totals()
        on_host = any(not isinstance(n.op, Dequantize) for n in self.network.tail.nodes)
        self.tolerance = HOST_ROUNDING if on_host else 0.0

    def add(self, parts: Sequence[Array], theirs: Mapping[str, Array]) -> None:
        """Frames of the model's inputs, and onnxruntime's tensors for them (and perhaps for more)."""
        core, totals, count = self.network.core, self.totals, len(parts[0])
        frames = dict(zip(core.inputs, self.network.to_core(*parts), strict=True))
        known = {t.value: t.frames(theirs[t.tensor], core.types[t.value].shape)[:count] for t in self.taps}
        mine = core.evaluate(*frames.values(), keep=[t.value for t in self.taps])
        for tap in self.taps:
            piece, value = self.pieces[tap.value], tap.value
            feeds = [known[v] if v in known else frames[v] for v in piece.inputs]
            alone = piece.evaluate(*feeds)[value] if piece.nodes else frames[value]
            totals.add(totals.alone, value, alone, known[value])
            totals.add(totals.through, value, mine[value], known[value])
        results = self.network.from_core(*(mine[v] for v in core.outputs))
        for port, ours in zip(self.network.outputs, results, strict=True):
            wanted = theirs[port.name].reshape(-1, *port.shape)[:count]
            totals.add(totals.outputs, port.name, ours, wanted, self.tolerance if ours.dtype.kind == "f" else 0.0)


def compare(
    model: Path | str | onnx.ModelProto,
    inputs: CalibrationData,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
    frames: int | None = None,
    quantization: Quantization | None = None,
) -> Comparison:
    """Compare the integer network of `model` with onnxruntime on `inputs`.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself; a float model is quantized first, and compared in that form
    inputs : frames of the model's own input, an array or a .npy file; of several inputs, a mapping or a .npz file
    calibration : typical inputs, for a float model
    input_shapes : for inputs with unknown dimensions, batch dimension included
    precision : of the requantizations
    frames : compare so many (the first ones)
    quantization : of a float model, and of requantizations layer by layer

    Raises `InputError` where the model, the data or onnxruntime cannot be used.
    """
    if frames is not None and frames < 1:
        raise InputError(f"at least one frame must be compared, not {frames}")
    return compare_subject(read_subject(model, calibration, input_shapes, precision, quantization), inputs, frames)


def compare_subject(subject: Subject, inputs: CalibrationData, frames: int | None = None) -> Comparison:
    """As `compare`, of a model that was read already."""
    imported = subject.imported
    data = [array[:frames] for array in calibration_frames(inputs, imported.inputs, "the input")]
    comparer = _Comparer(subject, taps_of(imported, subject.network))
    outputs = [port.name for port in imported.outputs]
    given = {port.name for port in imported.inputs}
    wanted = list(dict.fromkeys(t for t in (*(tap.tensor for tap in comparer.taps), *outputs) if t not in given))
    runtime = Runtime(with_outputs(subject.proto, wanted), imported.name, subject.unsigned)
    plain = Runtime(with_outputs(subject.proto, ()), imported.name, subject.unsigned)
    disturbed = False
    for parts, count in batches(data, imported.batch):
        feeds = own_shape(imported.inputs, parts)
        theirs, alone = runtime.run(feeds, wanted), plain.run(feeds, outputs)
        disturbed |= any(Difference.of(alone[o], theirs[o]).differing for o in outputs)
        # what counts is the session that nothing was added to
        comparer.add([p[:count] for p in parts], {**theirs, **alone, **feeds})
    notes = [*subject.network.notes]
    if plain.in_float:
        layers = ", ".join(plain.in_float)
        notes.append(f"onnxruntime computes in float, so that ties may be rounded otherwise: {layers}")
    if disturbed:
        notes.append("reading tensors inside the model changed onnxruntime's output: its layers were fused otherwise")
    total = comparer.totals
    return Comparison(
        imported.name,
        runtime.version,
        plain.mode,
        len(data[0]),
        tuple(LayerComparison(t.layer, t.tensor, total.alone[t.value], total.through[t.value]) for t in comparer.taps),
        tuple(total.outputs.items()),
        tuple(notes),
    )
