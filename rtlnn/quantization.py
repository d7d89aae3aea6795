"""Post-training quantization of float models, with calibration data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model, write_model
from rtlnn.ir.graph import Graph
from rtlnn.ir.network import ModelPort
from rtlnn.ir.types import Array
from rtlnn.ops import Conv2D, Dense
from rtlnn.passes.fold_affine import fold_affine
from rtlnn.passes.fold_constants import fold_constants
from rtlnn.passes.quantize import Point, calibrate, insert_quantization, point_bits, quantization_points
from rtlnn.passes.quantize.histogram import CalibrationMethod, Histogram, histograms
from rtlnn.passes.reshapes import settle_reshapes
from rtlnn.passes.runner import run
from rtlnn.passes.settings import Settings
from rtlnn.precision import check_layers, check_settings

__all__ = [
    "Calibration", "CalibrationData", "CalibrationMethod", "Prepared", "calibration_frames", "quantize_imported",
    "quantize_model",
]  # fmt: skip

RANDOM_FRAMES = 32
RANDOM_VALUES = 1 << 23
"""Large frames are fewer."""

RANDOM_SEED = 20261121


class Calibration(Enum):
    """Calibration without data."""

    RANDOM = "random"
    """Seeded noise: right for studies of size and speed, worthless for accuracy."""


CalibrationData = Path | str | Array | Mapping[str, Array] | Calibration
"""Frames of the model's input (an array, or a .npy file), or of all inputs by name (a mapping, or a .npz file)."""


def _random(port: ModelPort, i: int) -> Array:
    rng = np.random.default_rng(RANDOM_SEED + i)
    frames = min(RANDOM_FRAMES, max(1, RANDOM_VALUES // int(np.prod(port.shape))))
    shape = (frames, *port.shape)
    dtype = np.dtype(port.dtype)
    if np.issubdtype(dtype, np.integer):
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, endpoint=True)
    return rng.standard_normal(shape)


def _read(path: Path, what: str) -> Array | dict[str, Array]:
    if not path.exists():
        raise InputError(f"{what} {path} does not exist; give a .npy file with inputs of the model")
    try:
        data = np.load(path, allow_pickle=False)
        return data if isinstance(data, np.ndarray) else dict(data)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"{what} {path} is not a .npy file ({error}); write it with numpy.save") from error


def calibration_frames(
    data: CalibrationData, ports: Sequence[ModelPort], what: str = "calibration data"
) -> tuple[Array, ...]:
    """Inputs of the model, (frames, *shape of the input) for each; messages call them `what`.

    Raises `InputError` for a missing or unreadable file, a missing or unknown input, no frames, different numbers of
    them, the wrong shape or type, NaN and infinity.
    """
    if isinstance(data, Calibration):
        return tuple(_random(port, i) for i, port in enumerate(ports))
    given = isinstance(data, (np.ndarray, Mapping))
    name = what if given else f"{what} {data}"
    found: Array | Mapping[str, Array] = data if isinstance(data, (np.ndarray, Mapping)) else _read(Path(data), what)
    if isinstance(found, np.ndarray):
        if len(ports) > 1:
            raise InputError(
                f"{name} is one array; the model has the inputs {', '.join(repr(p.name) for p in ports)}: give a .npz "
                "file (numpy.savez) with an array for each"
            )
        found = {ports[0].name: found}
    wanted = {port.name for port in ports}
    if wrong := sorted(wanted ^ set(found)):
        raise InputError(
            f"{name} has arrays for {', '.join(map(repr, found))}, the inputs of the model are "
            f"{', '.join(map(repr, sorted(wanted)))}; {wrong[0]!r} is in one of them only"
        )
    frames = tuple(_checked(found[port.name], port, name) for port in ports)
    if len({len(f) for f in frames}) > 1:
        raise InputError(f"{name} has different numbers of frames for the inputs: {[len(f) for f in frames]}")
    return frames


def _checked(array: Array, port: ModelPort, name: str) -> Array:
    wanted = f"(frames, {', '.join(str(d) for d in port.shape)})"
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} has the type {array.dtype}; the model takes numbers ({port.dtype})")
    if array.shape == port.shape and array.ndim:
        array = array[np.newaxis]
    if array.shape[1:] != port.shape or not array.ndim:
        raise InputError(f"{name} has the shape {array.shape}; the input {port.name!r} of the model needs {wanted}")
    if not len(array):
        raise InputError(f"{name} holds no frames; a hundred typical inputs of the model are a good number")
    if bad := int((~np.isfinite(array.astype(np.float64))).sum()):
        raise InputError(f"{name} holds {bad} values that are NaN or infinite; remove the frames that have them")
    return array


def quantize_imported(
    model: ImportedModel,
    data: CalibrationData,
    settings: Settings | None = None,
    method: CalibrationMethod = CalibrationMethod.MIN_MAX,
) -> onnx.ModelProto:
    """A QDQ model for a float one.

    Raises `InputError` as `calibration_frames` does, for a quantized model, and for settings that do not fit it.
    """
    if model.quantized:
        raise InputError(f"{model.name} is quantized already; build it as it is")
    prepared = Prepared.of(model, data)
    return write_model(model, prepared.quantized(settings or Settings(), method))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A float model that can be quantized in several ways.

    Parameters
    ----------
    graph : with folded arithmetic
    points : the values that become integers
    frames : calibration data, as the graph takes them
    ranges : the smallest and largest number of each point
    inputs : names of the model's inputs
    """

    graph: Graph
    points: tuple[Point, ...]
    frames: tuple[Array, ...]
    ranges: Mapping[str, tuple[float, float]]
    inputs: tuple[str, ...]

    @classmethod
    def of(cls, model: ImportedModel, data: CalibrationData) -> "Prepared":
        """Raises `InputError` as `calibration_frames` does, and where nothing can be quantized."""
        graph = run(model.graph, (settle_reshapes, fold_constants, fold_affine))
        points = quantization_points(graph)
        kinds = (graph.types[v] for v in graph.inputs)
        given = zip(model.inputs, kinds, calibration_frames(data, model.inputs), strict=True)
        frames = tuple(port.frames(kind, array) for port, kind, array in given)
        with np.errstate(all="ignore"):
            ranges = calibrate(graph, frames, (p.value for p in points if p.like is None))
        for point in points:
            if point.like is None and not np.isfinite(ranges[point.value]).all():
                raise InputError(
                    f"the value {point.value!r} of {model.name} overflows on the calibration data; check that the "
                    "model and the data belong together"
                )
        return cls(graph, points, frames, ranges, tuple(port.name for port in model.inputs))

    @property
    def weighted(self) -> tuple[str, ...]:
        """The layers with weights."""
        return tuple(n.name for n in self.graph.nodes if isinstance(n.op, (Conv2D, Dense)))

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers whose results become integers of their own."""
        return tuple(dict.fromkeys(p.layer for p in self.points if p.layer))

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """For each layer with weights, the layer whose result it reads; "" of an input."""
        points = {p.value: p for p in self.points}

        def layer(value: str) -> str:
            point = points.get(value)
            if point is None:
                return ""
            return layer(point.like) if point.like is not None else point.layer

        return {n.name: layer(n.inputs[0]) for n in self.graph.nodes if isinstance(n.op, (Conv2D, Dense))}

    @cached_property
    def _histograms(self) -> dict[str, Histogram]:
        return histograms(self.graph, self.frames, self.ranges, self.ranges)

    def quantized(self, settings: Settings, method: CalibrationMethod = CalibrationMethod.MIN_MAX) -> Graph:
        """The graph with integer values and weights. Raises `InputError` for settings that do not fit."""
        check_settings(settings)
        check_layers(settings, (*self.layers, *self.weighted), self.inputs, self.weighted)
        ranges = dict(self.ranges)
        if method is not CalibrationMethod.MIN_MAX:
            for point in self.points:
                if point.like is None:
                    bits = point_bits(self.graph, point, settings)
                    ranges[point.value] = self._histograms[point.value].range(method, point.unsigned, bits)
        graph = insert_quantization(self.graph, self.points, ranges, settings)
        graph.verify()
        return graph


def quantize_model(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    bits: int | None = None,
    settings: Settings | None = None,
    method: CalibrationMethod = CalibrationMethod.MIN_MAX,
) -> onnx.ModelProto:
    """Quantize a float model: int8 weights per channel, activations uint8 behind a ReLU and int8 elsewhere.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself
    calibration : typical inputs (frames, *shape of the model's input), as an array or a .npy file
    input_shapes : for inputs with unknown dimensions
    bits : of weights and of all activations but the input, 1 to 16
    settings : bits layer by layer, in place of `bits`
    method : how the ranges of activations are taken from the data

    Values of fewer bits than 8, or than 16, are int8 and uint8, or int16 and uint16, in the file all the same: weights
    that fit, and a Clip before each QuantizeLinear; the hardware is as narrow as they are.

    Returns a standard model in the QDQ format (opset 17 and IR version 8, or 21 and 10 where something has more than 8
    bits), with the input and output of the original, that onnxruntime runs too. The same model and data give the same
    bytes. Raises `InputError`.
    """
    if settings is not None and bits is not None:
        raise InputError("give the bits of all layers, or settings layer by layer, not both")
    chosen = settings or (Settings() if bits is None else Settings.uniform(bits))
    return quantize_imported(import_model(model, input_shapes), calibration, chosen, method)
