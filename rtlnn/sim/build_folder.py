"""A build folder, as the simulation needs it, and frames to feed it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.errors import InputError

__all__ = ["BuildFolder", "check_frames", "load_frames_file", "random_frames"]


@dataclass(frozen=True)
class BuildFolder:
    """A checked build folder: its interface, and its Verilog in compile order.

    `core_files` begins with the models of the primitives (`sim/`) that the core instantiates, where it does.
    """

    path: Path
    interface: Interface
    core_files: tuple[Path, ...]
    kernel_files: tuple[Path, ...]

    @property
    def part(self) -> str:
        """The part of the platform. Raises `InputError` if the build's report does not tell."""
        try:
            return str(json.loads((self.path / "report.json").read_text())["part"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.path}/report.json does not name the part ({error!r}); build again") from None

    @property
    def mem_dir(self) -> Path:
        return self.path / "mem"

    @classmethod
    def open(cls, path: Path) -> "BuildFolder":
        """Raises `InputError` if `path` is not a complete build folder."""
        if not path.is_dir():
            raise InputError(f"{path} is not a folder; give the one that `rtlnn build` wrote")
        try:
            interface = Interface.load(path)
        except FileNotFoundError:
            raise InputError(f"{path} is not a build folder: it has no interface.json; build it again") from None
        except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
            raise InputError(f"{path}/interface.json cannot be used ({error}); build it again") from None
        kernel = _listed(path / "kernel") if interface.kernel else ()
        models = _listed(path / "sim") if (path / "sim" / "files.f").exists() else ()
        return cls(path, interface, (*models, *_listed(path / "rtl")), kernel)


def _listed(folder: Path) -> tuple[Path, ...]:
    """The files that `folder/files.f` names, one relative path a line."""
    try:
        lines = (folder / "files.f").read_text().split("\n")
    except OSError:
        raise InputError(f"{folder}/files.f is missing; build again") from None
    files = tuple(folder / line.strip() for line in lines if line.strip())
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        raise InputError(
            f"{folder}/files.f names files that are not there: {', '.join(missing) or 'none'}; build again"
        )
    return files


def random_frames(port: StreamPort, frames: int, seed: int) -> NDArray[np.int64]:
    """Frames [N, H, W, C] over the whole range of the port's values; the first two are its lowest and highest."""
    low, high = _range(port)
    values = np.random.default_rng(seed).integers(low, high, (frames, *port.shape), endpoint=True, dtype=np.int64)
    values[:1], values[1:2] = low, high
    return values


def load_frames_file(path: Path, port: StreamPort) -> NDArray[np.int64]:
    """Integer frames [N, H, W, C] from a .npy file, or one frame [H, W, C]. Raises `InputError` if they do not fit."""
    try:
        data = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a NumPy array file (.npy): {error}") from None
    if not isinstance(data, np.ndarray):
        raise InputError(f"{path} holds several arrays; give one .npy file")
    return check_frames(data, port, str(path))


def check_frames(data: NDArray[np.generic], port: StreamPort, name: str) -> NDArray[np.int64]:
    """`data` as integer frames [N, H, W, C]; raises `InputError` if dtype, shape or range do not fit the port."""
    if data.dtype.kind not in "iu":
        raise InputError(
            f"{name} holds {data.dtype} values; the hardware takes integers (real = {port.scale:g} * "
            f"(integer - {port.zero_point})): convert with rtlnn.reference(...), or give the integers"
        )
    frames = data[None] if data.shape == port.shape else data
    if frames.shape[1:] != port.shape or not len(frames):
        raise InputError(
            f"{name} has shape {data.shape}; needed are frames (N, {', '.join(map(str, port.shape))}), N at least 1"
        )
    low, high = _range(port)
    if frames.min() < low or frames.max() > high:
        raise InputError(f"{name} has values {frames.min()} to {frames.max()}; the input takes {low} to {high}")
    return frames.astype(np.int64)


def _range(port: StreamPort) -> tuple[int, int]:
    low = -(1 << port.bits - 1) if port.signed else 0
    return low, low + (1 << port.bits) - 1
