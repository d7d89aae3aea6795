"""A whole model: the integer graph that becomes hardware, and what the host does before and after it."""

from dataclasses import dataclass

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array

__all__ = ["ModelPort", "Network"]


@dataclass(frozen=True, eq=False)
class ModelPort:
    """An input or output as the model declares it.

    Parameters
    ----------
    name : the model's name for it
    shape : of one frame, without the batch dimension, in the model's own layout
    dtype : NumPy's name of the element type
    order : for every element of `shape` (flattened), its place in the frame (height, width, channels) flattened
    batch_axis : whether the model's tensor starts with a batch dimension
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    order: Array
    batch_axis: bool = True


@dataclass(frozen=True, eq=False)
class Network:
    """`head` (real, on the host) → `core` (integers, in hardware) → `tail` (real, on the host).

    A head or tail without nodes passes its value on.
    """

    name: str
    head: Graph
    core: Graph
    tail: Graph
    input: ModelPort
    output: ModelPort
    notes: tuple[str, ...] = ()

    def to_core(self, x: Array) -> Array:
        """The core's input frames [N, H, W, C] (integers) for the model's own input.

        `x` has the model's shape with any number of frames in front (or one frame, without batch dimension).
        Raises `InputError` if the shape does not fit, a value is not a number, or one of an integer input's not in
        its range.
        """
        port = self.input
        x = np.asarray(x)
        if x.shape == port.shape:
            x = x[np.newaxis]
        if x.shape[1:] != port.shape:
            raise InputError(
                f"input {port.name!r} has shape {x.shape}; the model takes (N, {str(port.shape)[1:-1].rstrip(',')})"
            )
        if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
            raise InputError(f"input {port.name!r} holds NaN or infinity")
        kind = self.head.types[self.head.inputs[0]]
        if kind.format is not None and x.size:
            lo, hi = kind.format.lo, kind.format.hi
            if x.min() < lo or x.max() > hi or (x != np.rint(x)).any():
                raise InputError(f"input {port.name!r} holds values that are not integers from {lo} to {hi}")
        frames = np.empty((len(x), kind.size), dtype=np.float64 if kind.format is None else np.int64)
        frames[:, port.order.astype(np.int64).ravel()] = x.reshape(len(x), kind.size)
        return self.head.evaluate(frames.reshape(len(x), *kind.shape))[self.head.outputs[0]]

    def from_core(self, y: Array) -> Array:
        """The model's own output for the core's output frames [N, H, W, C]."""
        port = self.output
        real = self.tail.evaluate(y)[self.tail.outputs[0]]
        flat = real.reshape(len(real), port.order.size)[:, port.order.astype(np.int64).ravel()]
        return flat.reshape(len(real), *port.shape).astype(port.dtype)
