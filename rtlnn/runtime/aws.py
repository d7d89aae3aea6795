"""An AWS F2 instance as a back end: the build's own library in C, which drives the card with the vendor's SDK."""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import CheckFailed, InputError
from rtlnn.ir.types import Array
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["open_aws"]

_ERRORS = {
    -1: "the slot cannot be attached: load the image (fpga-load-local-image), and run as root",
    -2: "another image is loaded: take the image and the build folder from the same build",
    -3: "an access failed",
    -4: "the status tells of an error",
    -5: "the network did not end",
    -6: "wrong arguments",
}
"""By the numbers of the generated header."""


class _Device(ctypes.Structure):
    """The structure `TOP_device` of the generated header."""

    _fields_ = [
        ("registers", ctypes.c_int),
        ("window", ctypes.c_int),
        ("status", ctypes.c_uint32),
        ("errors_before", ctypes.c_uint32),
        ("polls", ctypes.c_uint32),
    ]


class _AwsBackend:
    """Frames in batches that fill half of the memory on the chip; one is written while another one runs."""

    cycles: int | None = None

    def __init__(self, folder: BuildFolder, library: ctypes.CDLL, slot: int) -> None:
        self._interface, self._library = folder.interface, library
        self._device = _Device()
        if result := self._function("open", ctypes.c_int)(ctypes.byref(self._device), slot):
            raise InputError(f"slot {slot} cannot be used: {_ERRORS[result]}")
        self._open = True
        if self._interface.weight_beats is not None:
            weights = (folder.mem_dir / WEIGHTS_FILE).read_bytes()
            load = self._function("load_weights", ctypes.c_char_p, ctypes.c_size_t)
            if result := load(ctypes.byref(self._device), weights, len(weights)):
                self.close()
                raise InputError(f"the weights were not taken: {_ERRORS[result]}")

    def _function(self, name: str, *arguments: Any) -> Any:
        function = getattr(self._library, f"{self._interface.top}_{name}")
        function.argtypes = [ctypes.POINTER(_Device), *arguments]
        return function

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        ((bus, sink),) = self._interface.outputs.items()
        source = self._interface.input
        given = np.ascontiguousarray(frames[next(iter(self._interface.inputs))], f"<{source.dtype}")
        made = np.zeros((len(given), *sink.shape), f"<{sink.dtype}")
        run = self._function("run", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        if result := run(ctypes.byref(self._device), given.ctypes.data, made.ctypes.data, len(given)):
            raise CheckFailed(f"the card failed: {_ERRORS[result]} (status {self._device.status:#x})")
        return {bus: made.astype(np.int64)}

    def close(self) -> None:
        if self._open:
            self._open = False
            close = self._function("close")
            close.restype = None
            close(ctypes.byref(self._device))


def open_aws(folder: BuildFolder, device: int = 0, library: Path | str | None = None) -> Backend:
    """Use the card in slot `device` of the instance that this runs on, with the build's image loaded.

    `library` is what `make` made in the build's `host/` (default: there).
    Raises `InputError` if the build is for another kind of platform, the library is missing, or the card cannot be used
    or holds another image.
    """
    name = f"lib{folder.interface.top}.so"
    if not (folder.path / "host" / f"{folder.interface.top}.c").is_file() or folder.interface.units:
        raise InputError(f"{folder.path} was not built for an AWS instance; choose the platform aws-f2")
    path = folder.path / "host" / name if library is None else Path(library)
    if not path.is_file():
        raise InputError(
            f"there is no {path}; `make` in {folder.path / 'host'} makes it, on the instance, with the SDK"
        )
    try:
        loaded = ctypes.CDLL(str(path.resolve()))
    except OSError as error:
        raise InputError(
            f"{path} cannot be loaded ({error}); is the SDK of aws-fpga installed (sdk_setup.sh)?"
        ) from None
    return _AwsBackend(folder, loaded, device)
