"""The integer frames that a simulation sends to a build."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import Interface
from rtlnn.errors import InputError
from rtlnn.sim.build_folder import check_frames, load_frames_file, random_frames

__all__ = ["Given", "core_inputs"]

Given: TypeAlias = NDArray[np.integer] | Sequence[NDArray[np.integer]] | Path | str | None
"""Frames of the only input, or of each; a .npy file; None for random ones."""


def core_inputs(
    interface: Interface,
    inputs: Given,
    frames: int | None,
    default: int,
    seed: int,
) -> tuple[tuple[NDArray[np.int64], ...], str]:
    """The frames to send to each input, and where they come from; `default` random ones if nothing is said.

    Raises `InputError` for frames that do not fit, or are fewer than asked for.
    """
    if frames is not None and frames < 1:
        raise InputError(f"{frames} frames cannot be simulated; give at least 1")
    ports = interface.inputs
    if inputs is None:
        made = tuple(random_frames(port, frames or default, seed + n) for n, port in enumerate(ports.values()))
        return made, f"random, seed {seed}"
    if isinstance(inputs, (Path, str)):
        if len(ports) > 1:
            raise InputError(f"{inputs} is one file; the design has the inputs {', '.join(ports)}: give an array each")
        data: tuple[NDArray[np.int64], ...] = (load_frames_file(Path(inputs), interface.input),)
        name = str(inputs)
    else:
        arrays = (inputs,) if isinstance(inputs, np.ndarray) else tuple(inputs)
        if len(arrays) != len(ports):
            raise InputError(f"{len(arrays)} arrays are given; the design has the inputs {', '.join(ports)}")
        data = tuple(
            check_frames(array, port, "inputs" if len(ports) == 1 else f"inputs for {bus}")
            for array, (bus, port) in zip(arrays, ports.items(), strict=True)
        )
        name = "array"
    if len({len(array) for array in data}) > 1:
        raise InputError(f"the inputs hold different numbers of frames: {[len(array) for array in data]}")
    if frames is not None and frames > len(data[0]):
        raise InputError(f"{name} holds {len(data[0])} frames, not {frames}")
    return tuple(array[:frames] for array in data), name
