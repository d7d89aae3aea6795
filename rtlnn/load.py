"""From a trained model to a network of integers: the whole front half of the flow, in one call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.ir.network import Network
from rtlnn.ops import Dequantize, Precision, Quantize
from rtlnn.passes.compare_few import compare_few
from rtlnn.passes.crop_unused import crop_unused
from rtlnn.passes.fold_pads import fold_pads
from rtlnn.passes.lowering import lower
from rtlnn.passes.merge_requantize import merge_requantize
from rtlnn.passes.pool_first import pool_first
from rtlnn.passes.quantize.complete import completed
from rtlnn.passes.ranges import narrow
from rtlnn.passes.reloadable import reloadable
from rtlnn.passes.requantize_settings import requantize_settings
from rtlnn.passes.reshapes import settle_reshapes
from rtlnn.passes.runner import Pass, run
from rtlnn.passes.settings import Settings
from rtlnn.passes.sink_dequantize import sink_dequantize
from rtlnn.passes.softmax import SoftmaxPlace, softmax_in_hardware
from rtlnn.passes.tabulate import tabulate
from rtlnn.precision import check_layers
from rtlnn.quantization import Calibration, CalibrationData, CalibrationMethod, calibration_frames, quantize_imported

__all__ = ["RANDOM_NOTE", "complete", "load_network", "network_of"]

RANDOM_NOTE = "calibrated with random data: for studies of size and speed only, its results mean nothing"


def network_of(
    model: ImportedModel,
    precision: Precision = Precision.EXACT,
    notes: tuple[str, ...] = (),
    settings: Settings | None = None,
    softmax: SoftmaxPlace = SoftmaxPlace.HOST,
    reloaded: Sequence[str] = (),
) -> Network:
    """The network of a quantized model. Of `settings`, what they say of requantizations counts.

    Raises `InputError` where a value is not quantized.
    """
    steps: tuple[Pass, ...] = (merge_requantize, fold_pads, crop_unused, pool_first, compare_few, narrow)
    if reloaded:
        steps = (reloadable(reloaded), *steps)
    if settings is not None and settings.sets_requantization:
        steps = (requantize_settings(settings, precision), *steps)
        precision = Precision.EXACT
    before: tuple[Pass, ...] = (settle_reshapes, sink_dequantize, tabulate)
    if softmax is SoftmaxPlace.HARDWARE:
        before = (*before, softmax_in_hardware)
    parts = lower(run(model.graph, before), precision)
    parts.core.verify()
    core = run(parts.core, steps)
    head = parts.head.retype({v: core.types[v] for v in core.inputs})
    tail = parts.tail.retype({v: core.types[v] for v in core.outputs})
    for graph in (head, tail):
        graph.verify()
    return Network(model.name, head, core, tail, model.inputs, model.outputs, notes)


def load_network(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
    settings: Settings | None = None,
    method: CalibrationMethod = CalibrationMethod.MIN_MAX,
    softmax: SoftmaxPlace = SoftmaxPlace.HOST,
    progress: Callable[[str], None] = lambda step: None,
    reloaded: Sequence[str] = (),
) -> Network:
    """Read a model, quantize it if it is not, and lower it to integers.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself; float, or quantized in the QDQ format
    calibration : typical inputs for a float model: an array, a .npy file, or `Calibration.RANDOM`; for a quantized one
        that leaves values real where the hardware needs integers, these are quantized with them
    input_shapes : for inputs with unknown dimensions, batch dimension included
    precision : of the requantizations
    settings : bits of a float model, and requantizations, layer by layer
    method : how the ranges of a float model's activations are taken from the data
    softmax : where a Softmax is computed
    progress : called with what is being done
    reloaded : names of layers whose weights may be replaced in hardware; `all` for every one

    A float model and what `quantize_model` makes of it give the same network. Raises `InputError`.
    """
    imported = import_model(model, input_shapes)
    if imported.quantized:
        if settings is not None:
            _check_quantized(imported, settings)
        if calibration is None:
            progress("lowering to integers")
            return network_of(imported, precision, (), settings, softmax, reloaded)
        progress("quantizing")
        whole, notes = complete(imported, calibration)
        return network_of(whole, precision, notes, settings, softmax, reloaded)
    if calibration is None:
        raise InputError(
            f"{imported.name} is a float model, and quantizing it needs typical inputs: give --calibration data.npy "
            f"({_frames_wanted(imported)}), or --calibration random to "
            "study size and speed alone"
        )
    progress("quantizing")
    quantized = replace(import_model(quantize_imported(imported, calibration, settings, method)), name=imported.name)
    notes = (RANDOM_NOTE,) if calibration is Calibration.RANDOM else ()
    progress("lowering to integers")
    return network_of(quantized, precision, notes, settings, softmax, reloaded)


def complete(model: ImportedModel, calibration: CalibrationData) -> tuple[ImportedModel, tuple[str, ...]]:
    """A quantized model in which what its maker left real is quantized, and what to tell the user."""
    graph = run(model.graph, (settle_reshapes,))
    kinds = (graph.types[v] for v in graph.inputs)
    given = zip(model.inputs, kinds, calibration_frames(calibration, model.inputs), strict=True)
    graph, values = completed(graph, tuple(port.frames(kind, array) for port, kind, array in given))
    if not values:
        return model, ("the model is quantized already: the calibration data were not used",)
    note = f"quantized with the calibration data, for the model leaves them real: {', '.join(values)}"
    return replace(model, graph=graph), (note, *((RANDOM_NOTE,) if calibration is Calibration.RANDOM else ()))


def _check_quantized(model: ImportedModel, settings: Settings) -> None:
    """Raises `InputError` for settings that a quantized model cannot take, or of layers that it does not have."""
    if settings.sets_bits:
        raise InputError(
            f"{model.name} is quantized already: its bits are in the file; the precision settings can only choose "
            "`requantize` and `rounding`"
        )
    check_layers(settings, tuple(n.name for n in model.graph.nodes if not isinstance(n.op, (Quantize, Dequantize))))


def _frames_wanted(model: ImportedModel) -> str:
    shapes = {p.name: f"(frames, {', '.join(map(str, p.shape))})" for p in model.inputs}
    if len(shapes) == 1:
        return f"an array of shape {next(iter(shapes.values()))}"
    listed = ", ".join(f"{name}: {shape}" for name, shape in shapes.items())
    return f"or data.npz with an array for each input, {listed}"
