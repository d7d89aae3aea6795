"""The model's own input and output: which tensors they are, their shape and type, and the order of their elements."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.frontend.handlers.quantization import integer_format
from rtlnn.frontend.tensors import View, channels_first, row_major
from rtlnn.frontend.wiring import MOST_ELEMENTS
from rtlnn.ir.network import ModelPort
from rtlnn.ir.types import Array, TensorType

__all__ = ["DeclaredInput", "Layout", "declared_inputs", "declared_outputs", "output_port"]

Layout = Callable[[tuple[int, ...]], Array]


@dataclass(frozen=True)
class DeclaredInput:
    """The input as the model declares it.

    Parameters
    ----------
    name, dtype : the model's
    shape : with the batch dimension set to 1
    batch : the batch size, or the name of a dynamic one
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    batch: int | str

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """How its elements may lie in a frame. The first layout with which the model imports is taken."""
        return (channels_first, row_major) if len(self.shape) in (3, 4) else (row_major,)

    def frame(self, layout: Layout) -> TensorType:
        """The frame (height, width, channels) that a layout makes."""
        shape = self.shape
        if len(shape) not in (3, 4):
            hwc = (1, 1, int(np.prod(shape, dtype=np.int64)))
        elif layout is channels_first:
            hwc = ((1, *shape[2:])[-2], shape[-1], shape[1])
        else:
            hwc = ((1, *shape[1:])[-3], shape[-2], shape[-1])
        return TensorType(hwc, integer_format(self.dtype))

    def port(self, index: Array) -> ModelPort:
        batched = len(self.shape) > 1
        return ModelPort(
            self.name, self.shape[1:] if batched else self.shape, self.dtype, index[0] if batched else index, batched
        )


def _dtype(value: onnx.ValueInfoProto) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name)


def declared_inputs(
    model: onnx.ModelProto, name: str, input_shapes: Mapping[str, tuple[int, ...]] | None
) -> tuple[DeclaredInput, ...]:
    """The inputs of the model. Raises `InputError` for none, for unknown dimensions and unusable types."""
    stored = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in stored]
    known = [i.name for i in inputs]
    if unknown := sorted(set(input_shapes or {}) - set(known)):
        raise InputError(f"{name} has no input named {', '.join(map(repr, unknown))}; it has {', '.join(known)}")
    if not inputs:
        raise InputError(f"{name} has no inputs; export it again")
    return tuple(_declared_input(value, name, (input_shapes or {}).get(value.name)) for value in inputs)


def _declared_input(value: onnx.ValueInfoProto, name: str, given: tuple[int, ...] | None) -> DeclaredInput:
    dims = [d.dim_value if d.HasField("dim_value") else 0 for d in value.type.tensor_type.shape.dim]
    if given:
        fits = len(given) == len(dims) or not dims
        if not fits or any(d not in (0, g) for d, g in zip(dims, given, strict=False)) or min(given) < 1:
            raise InputError(
                f"input {value.name!r} of {name} has the shape {tuple(dims)} (0: any), which {given} does not fit"
            )
        dims = list(given)
    if not dims or any(d < 1 for d in dims[1 if len(dims) > 1 else 0 :]):
        shown = ",".join(str(d) if d else "?" for d in dims) or "?"
        example = ",".join(str(d or (1 if i == 0 else 32)) for i, d in enumerate(dims)) or "1,3,32,32"
        raise InputError(
            f"input {value.name!r} of {name} has the unknown shape ({shown}); set it, for example with "
            f"--input-shape {value.name}={example}"
        )
    if math.prod(dims[1:] if len(dims) > 1 else dims) > MOST_ELEMENTS:
        raise InputError(
            f"input {value.name!r} of {name} has the shape {tuple(dims)}; rtlnn takes frames of at most "
            f"{MOST_ELEMENTS:,} elements: give a part of the frame at a time"
        )
    dtype = _dtype(value)
    if dtype not in ("float16", "float32", "float64") and integer_format(dtype) is None:
        raise InputError(
            f"input {value.name!r} of {name} has the type {dtype}; float and 8 or 16 bit integers can be used"
        )
    if len(dims) > 1:
        symbol = value.type.tensor_type.shape.dim[0].dim_param if value.type.tensor_type.shape.dim else ""
        return DeclaredInput(value.name, (1, *dims[1:]), dtype, max(dims[0], 0) or symbol or "N")
    return DeclaredInput(value.name, tuple(dims), dtype, 1)


def declared_outputs(model: onnx.ModelProto, name: str) -> tuple[onnx.ValueInfoProto, ...]:
    """The outputs of the model. Raises `InputError` for none."""
    if not model.graph.output:
        raise InputError(f"{name} has no outputs; export it again")
    return tuple(model.graph.output)


def output_port(value: onnx.ValueInfoProto, view: View, batch: int | str) -> ModelPort:
    """The output, whose elements lie in the graph's output as `view` says.

    Raises `InputError` where the frames of a fixed batch do not lie one behind the other in it.
    """
    batched = bool(view.shape) and view.shape[0] == 1
    index = view.index[0] if batched else view.index
    declared = value.type.tensor_type.shape.dim
    if isinstance(batch, int) and batch > 1 and all(d.HasField("dim_value") for d in declared) and declared:
        shape = tuple(d.dim_value for d in declared)
        if shape != (batch, *np.shape(index)):
            raise InputError(
                f"output {value.name!r} has the shape {shape}: it mixes the {batch} frames of a batch; export the "
                "model with batch size 1"
            )
    return ModelPort(value.name, tuple(np.shape(index)), _dtype(value), np.asarray(index), batched)
