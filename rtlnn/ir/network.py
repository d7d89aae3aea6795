"""A whole model: the integer graph that becomes hardware, and what the host does before and after it."""

from dataclasses import dataclass

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array, TensorType

__all__ = ["ModelPort", "Network", "only_port"]


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

    def frames(self, kind: TensorType, x: Array) -> Array:
        """`x`, of the model's own shape, as frames [N, H, W, C] of the type `kind`.

        Raises `InputError` if the shape does not fit, a value is not a number, or one of integers not in its range.
        """
        x = np.asarray(x)
        if x.shape == self.shape:
            x = x[np.newaxis]
        if x.shape[1:] != self.shape:
            raise InputError(
                f"input {self.name!r} has shape {x.shape}; the model takes (N, {str(self.shape)[1:-1].rstrip(',')})"
            )
        if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
            raise InputError(f"input {self.name!r} holds NaN or infinity")
        if kind.format is not None and x.size:
            lo, hi = kind.format.lo, kind.format.hi
            if x.min() < lo or x.max() > hi or (x != np.rint(x)).any():
                raise InputError(f"input {self.name!r} holds values that are not integers from {lo} to {hi}")
        frames = np.empty((len(x), kind.size), dtype=np.float64 if kind.format is None else np.int64)
        frames[:, self.order.astype(np.int64).ravel()] = x.reshape(len(x), kind.size)
        return frames.reshape(len(x), *kind.shape)

    def own(self, frames: Array) -> Array:
        """Frames [N, H, W, C] in the model's own shape and type."""
        flat = frames.reshape(len(frames), int(np.prod(frames.shape[1:])))[:, self.order.astype(np.int64).ravel()]
        return flat.reshape(len(frames), *self.shape).astype(self.dtype)


@dataclass(frozen=True, eq=False)
class Network:
    """`head` (real, on the host) → `core` (integers, in hardware) → `tail` (real, on the host).

    A head or tail without nodes passes its values on. The head's inputs are the model's, its outputs the core's
    inputs; the tail's inputs are the core's outputs, its outputs the model's.
    """

    name: str
    head: Graph
    core: Graph
    tail: Graph
    inputs: tuple[ModelPort, ...]
    outputs: tuple[ModelPort, ...]
    notes: tuple[str, ...] = ()

    @property
    def input(self) -> ModelPort:
        """The only input. Raises `InputError` if there are several."""
        return only_port(self.inputs, "inputs", self.name)

    @property
    def output(self) -> ModelPort:
        """The only output. Raises `InputError` if there are several."""
        return only_port(self.outputs, "outputs", self.name)

    def to_core(self, *x: Array) -> tuple[Array, ...]:
        """The core's input frames [N, H, W, C] (integers) for the model's own inputs, in the model's order.

        Each has the model's shape with any number of frames in front (or is one frame, without batch dimension).
        Raises `InputError` if a shape does not fit, the numbers of frames differ, a value is not a number, or one of an
        integer input's not in its range.
        """
        if len(x) != len(self.inputs):
            names = ", ".join(repr(p.name) for p in self.inputs)
            raise InputError(f"{self.name} has {len(self.inputs)} inputs ({names}); {len(x)} are given")
        kinds = (self.head.types[v] for v in self.head.inputs)
        frames = [port.frames(kind, a) for port, kind, a in zip(self.inputs, kinds, x, strict=True)]
        if len({len(f) for f in frames}) > 1:
            raise InputError(f"the inputs hold different numbers of frames: {[len(f) for f in frames]}")
        made = self.head.evaluate(*frames)
        return tuple(made[v] for v in self.head.outputs)

    def from_core(self, *y: Array) -> tuple[Array, ...]:
        """The model's own outputs for the core's output frames [N, H, W, C]."""
        made = self.tail.evaluate(*y)
        return tuple(port.own(made[v]) for port, v in zip(self.outputs, self.tail.outputs, strict=True))


def only_port(ports: tuple[ModelPort, ...], what: str, name: str) -> ModelPort:
    """The only one of a network's ports. Raises `InputError` if there are several."""
    if len(ports) != 1:
        raise InputError(f"{name} has {len(ports)} {what} ({', '.join(p.name for p in ports)}); this needs one")
    return ports[0]
