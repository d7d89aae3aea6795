"""What is compared: a quantized model, and frames for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.frontend.loader import load_model
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.types import Array, TensorType
from rtlnn.load import complete, network_of
from rtlnn.ops import Precision
from rtlnn.passes.settings import Settings
from rtlnn.quantization import CalibrationData, CalibrationMethod, quantize_imported

__all__ = ["Quantization", "Subject", "batches", "own_shape", "read_subject"]

Quantization: TypeAlias = tuple[Settings | None, CalibrationMethod]
"""Settings layer by layer, and how ranges are taken from calibration data."""

BATCH = 16
"""Frames at a time, which bounds the memory that intermediate tensors take."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A quantized model: as onnxruntime takes it, as it was imported, and as integers.

    `original` is the float model that it was quantized from, as it was read and as it was imported.
    """

    proto: onnx.ModelProto
    imported: ImportedModel
    network: Network
    original: tuple[onnx.ModelProto, ImportedModel] | None

    @property
    def unsigned(self) -> bool:
        """Whether some activation is uint8."""
        return any(_is_byte(kind) for kind in self.imported.graph.types.values())


def _is_byte(kind: TensorType) -> bool:
    return kind.format is not None and kind.format.bits == 8 and not kind.format.signed


def read_subject(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData | None,
    input_shapes: Mapping[str, tuple[int, ...]] | None,
    precision: Precision,
    quantization: Quantization | None = None,
    typical: CalibrationData | None = None,
) -> Subject:
    """A model, quantized with the calibration data (or what is `typical` of inputs) if it is not.

    Raises `InputError`.
    """
    proto, _ = load_model(model)
    imported = import_model(model, input_shapes)
    settings, method = quantization or (None, CalibrationMethod.MIN_MAX)
    if imported.quantized:
        notes: tuple[str, ...] = ()
        if calibration is not None:
            imported, notes = complete(imported, calibration)
        return Subject(proto, imported, network_of(imported, precision, notes, settings), None)
    calibration = typical if calibration is None else calibration
    if calibration is None:
        raise InputError(
            f"{imported.name} is a float model, and quantizing it needs typical inputs: give --calibration data.npy"
        )
    written = quantize_imported(imported, calibration, settings, method)
    quantized = replace(import_model(written), name=imported.name)
    return Subject(written, quantized, network_of(quantized, precision, (), settings), (proto, imported))


def batches(data: Sequence[Array], batch: int | str) -> Iterator[tuple[tuple[Array, ...], int]]:
    """Frames of all inputs as onnxruntime takes them at a time, and how many of them count: a fixed batch is filled."""
    size = batch if isinstance(batch, int) else BATCH
    for i in range(0, len(data[0]), size):
        parts = tuple(array[i : i + size] for array in data)
        count = len(parts[0])
        if isinstance(batch, int) and count < size:
            parts = tuple(np.concatenate([p, np.repeat(p[-1:], size - count, axis=0)]) for p in parts)
        yield parts, count


def own_shape(ports: Sequence[ModelPort], parts: Sequence[Array]) -> dict[str, Array]:
    """Frames as the inputs of a session: without a batch dimension where the model has none."""
    return {port.name: x if port.batch_axis else x[0] for port, x in zip(ports, parts, strict=True)}
