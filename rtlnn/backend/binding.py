"""Which inputs of a model are data, and which are parameters that happen to come from outside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.ir.types import Array

__all__ = ["Binding", "bindings"]


@dataclass(frozen=True, eq=False)
class Binding:
    """A model whose parameters are stored in it.

    Parameters
    ----------
    model : with constants in the place of parameters
    data : for the inputs that are left, in order
    constants : names of the parameters
    """

    model: onnx.ModelProto
    data: tuple[Array, ...]
    constants: tuple[str, ...]


def _bound(model: onnx.ModelProto, arrays: dict[str, Array], data: Sequence[str]) -> Binding:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = tuple(n for n in arrays if n not in data)
    for name in constants:
        copy.graph.initializer.append(onnx.numpy_helper.from_array(arrays[name], name))
    for port in copy.graph.input:
        if port.name in data:
            # a dynamic dimension is as large as the data say
            shape = port.type.tensor_type.shape
            if len(shape.dim) == arrays[port.name].ndim:
                del shape.dim[:]
                shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=n) for n in arrays[port.name].shape)
    return Binding(copy, tuple(arrays[n] for n in data), constants)


def bindings(model: onnx.ModelProto, inputs: Sequence[object]) -> Iterator[Binding]:
    """The ways to see `inputs`, one of which a model may be built in: all of them data, or the first alone.

    Raises `InputError` for inputs that are no tensors of numbers.
    """
    stored = {t.name for t in model.graph.initializer}
    names = [p.name for p in model.graph.input if p.name not in stored]
    if not names:
        raise InputError("the model has no input; there is nothing to compute")
    if len(inputs) > len(names):
        raise InputError(f"the model has {len(names)} inputs, not {len(inputs)}")
    arrays: dict[str, Array] = {}
    for name, value in zip(names, inputs, strict=False):
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            raise InputError(f"the input {name!r} is no tensor of numbers; only those can be built")
        arrays[name] = value
    if len(arrays) > 1:
        yield _bound(model, arrays, list(arrays))
    yield _bound(model, arrays, list(arrays)[:1])
