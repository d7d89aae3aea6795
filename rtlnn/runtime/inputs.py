"""The model's own inputs, as a user gives them: complete, of the right shape, as many frames of each."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.types import Array

__all__ = ["frames_of"]


def frames_of(network: Network, x: Sequence[Array], named: Mapping[str, Array]) -> list[Array]:
    """The frames (N, ...) of every input, in the model's order, for inputs in that order or by name.

    Raises `InputError` if one is missing, does not fit, or holds another number of frames, or none.
    """
    given = [_whole(port, array) for port, array in zip(network.inputs, _ordered(network, x, named), strict=True)]
    counts = {port.name: len(array) for port, array in zip(network.inputs, given, strict=True)}
    if len(set(counts.values())) > 1:
        raise InputError(f"the inputs hold different numbers of frames: {counts}")
    if not len(given[0]):
        raise InputError("the inputs hold no frames; give at least one")
    return given


def _ordered(network: Network, x: Sequence[Array], named: Mapping[str, Array]) -> Iterator[Array]:
    """The inputs in the model's order."""
    names = [port.name for port in network.inputs]
    takes = f"{network.name} takes {', '.join(names)}"
    if len(x) > len(names):
        raise InputError(f"{len(x)} inputs are given; {takes}")
    by_name: dict[str, Array] = dict(zip(names, x, strict=False))
    for name, array in named.items():
        if name not in names:
            raise InputError(f"there is no input {name!r}; {takes}")
        if name in by_name:
            raise InputError(f"the input {name!r} is given twice")
        by_name[name] = array
    missing = [name for name in names if name not in by_name]
    if missing:
        raise InputError(f"the input {', '.join(map(repr, missing))} is missing; {takes}")
    return (by_name[name] for name in names)


def _whole(port: ModelPort, given: Array) -> Array:
    """An input with its frames in front. Raises `InputError` if it is not an array of numbers of the port's shape."""
    array = np.asarray(given)
    if array.dtype.kind not in "fiu":
        raise InputError(f"input {port.name!r} holds {array.dtype} values; the model takes numbers ({port.dtype})")
    if array.shape == port.shape:
        array = array[np.newaxis]
    if array.shape[1:] != port.shape or array.ndim != len(port.shape) + 1:
        shape = ", ".join(("N", *map(str, port.shape)))
        raise InputError(f"input {port.name!r} has shape {np.shape(given)}; the model takes ({shape})")
    return array
