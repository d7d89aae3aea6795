"""Runs a model in onnxruntime and as integers, and compares every tensor that both know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from rtlnn.comparing.result import Comparison, Difference, LayerComparison
from rtlnn.comparing.runtime import Runtime, with_outputs
from rtlnn.comparing.segments import Tap, segment, taps_of
from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.frontend.loader import load_model
from rtlnn.ir.graph import Graph
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array, TensorType
from rtlnn.load import network_of
from rtlnn.ops import Precision
from rtlnn.quantization import CalibrationData, calibration_frames, quantize_imported

__all__ = ["compare"]

BATCH = 16
"""Frames at a time, which bounds the memory that intermediate tensors take."""


@dataclass(frozen=True, eq=False)
class _Subject:
    """A quantized model: as onnxruntime takes it, as it was imported, and as integers."""

    proto: onnx.ModelProto
    imported: ImportedModel
    network: Network


def _subject(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData | None,
    input_shapes: Mapping[str, tuple[int, ...]] | None,
    precision: Precision,
) -> _Subject:
    proto, _ = load_model(model)
    imported = import_model(model, input_shapes)
    if not imported.quantized:
        if calibration is None:
            raise InputError(
                f"{imported.name} is a float model, and quantizing it needs typical inputs: give --calibration data.npy"
            )
        proto = quantize_imported(imported, calibration)
        imported = import_model(proto)
    return _Subject(proto, imported, network_of(imported, precision))


def _is_byte(kind: TensorType) -> bool:
    return kind.format is not None and kind.format.bits == 8 and not kind.format.signed


def _batches(data: Array, batch: int | str) -> Iterator[tuple[Array, int]]:
    """Frames as onnxruntime takes them at a time, and how many of them count: a fixed batch is filled up."""
    size = batch if isinstance(batch, int) else BATCH
    for i in range(0, len(data), size):
        part = data[i : i + size]
        count = len(part)
        if isinstance(batch, int) and count < size:
            part = np.concatenate([part, np.repeat(part[-1:], size - count, axis=0)])
        yield part, count


class _Totals:
    """Differences that add up over batches."""

    def __init__(self) -> None:
        self.alone: dict[str, Difference] = {}
        self.through: dict[str, Difference] = {}
        self.outputs: dict[str, Difference] = {}

    @staticmethod
    def add(where: dict[str, Difference], name: str, ours: Array, theirs: Array) -> None:
        where[name] = where.get(name, Difference()) + Difference.of(ours, theirs)


def _compare_batch(
    network: Network, taps: tuple[Tap, ...], pieces: Mapping[str, Graph], x: Array, theirs: Mapping[str, Array]
) -> _Totals:
    core, totals = network.core, _Totals()
    (frames,) = network.to_core(x)
    known = {t.value: t.frames(theirs[t.tensor], core.types[t.value].shape)[: len(x)] for t in taps}
    mine = core.evaluate(frames, keep=[t.value for t in taps])
    for tap in taps:
        piece = pieces[tap.value]
        feeds = [known.get(v, frames) for v in piece.inputs]
        alone = piece.evaluate(*feeds)[tap.value] if piece.nodes else frames
        totals.add(totals.alone, tap.value, alone, known[tap.value])
        totals.add(totals.through, tap.value, mine[tap.value], known[tap.value])
    port = network.output
    (result,) = network.from_core(mine[core.outputs[0]])
    totals.add(totals.outputs, port.name, result, theirs[port.name].reshape(-1, *port.shape)[: len(x)])
    return totals


def compare(
    model: Path | str | onnx.ModelProto,
    inputs: CalibrationData,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
    frames: int | None = None,
) -> Comparison:
    """Compare the integer network of `model` with onnxruntime on `inputs`.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself; a float model is quantized first, and compared in that form
    inputs : frames of the model's own input, an array or a .npy file
    calibration : typical inputs, for a float model
    input_shapes : for inputs with unknown dimensions, batch dimension included
    precision : of the requantizations
    frames : compare so many (the first ones)

    Raises `InputError` where the model, the data or onnxruntime cannot be used.
    """
    subject = _subject(model, calibration, input_shapes, precision)
    imported, network = subject.imported, subject.network
    (data,) = calibration_frames(inputs, (imported.input,), "the input")
    data = data[:frames]
    taps = taps_of(imported, network)
    known = {t.value: t for t in taps}
    pieces = {t.value: segment(network.core, t.value, known) for t in taps}
    wanted = list(dict.fromkeys([*(t.tensor for t in taps if t.tensor != imported.input.name), imported.output.name]))
    unsigned = any(_is_byte(kind) for kind in imported.graph.types.values())
    runtime = Runtime(with_outputs(subject.proto, wanted), imported.name, unsigned)
    plain = Runtime(with_outputs(subject.proto, ()), imported.name, unsigned)
    total, disturbed = _Totals(), False
    for part, count in _batches(data, imported.batch):
        feeds = {imported.input.name: part if imported.input.batch_axis else part[0]}
        theirs = runtime.run(feeds, wanted) | feeds
        alone = plain.run(feeds, [imported.output.name])[imported.output.name]
        disturbed |= Difference.of(alone, theirs[imported.output.name]).differing > 0
        # what counts is the session that nothing was added to
        theirs[imported.output.name] = alone
        found = _compare_batch(network, taps, pieces, part[:count], theirs)
        for mine, other in (
            (total.alone, found.alone),
            (total.through, found.through),
            (total.outputs, found.outputs),
        ):
            for name, difference in other.items():
                mine[name] = mine.get(name, Difference()) + difference
    layers = tuple(LayerComparison(t.layer, t.tensor, total.alone[t.value], total.through[t.value]) for t in taps)
    notes = [*network.notes]
    if plain.in_float:
        notes.append(
            f"onnxruntime computes in float, so that ties may be rounded otherwise: {', '.join(plain.in_float)}"
        )
    if disturbed:
        notes.append("reading tensors inside the model changed onnxruntime's output: its layers were fused otherwise")
    return Comparison(
        imported.name, runtime.version, plain.mode, len(data), layers, tuple(total.outputs.items()), tuple(notes)
    )
