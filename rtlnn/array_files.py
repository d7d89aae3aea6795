"""Arrays in NumPy's files: one in a .npy file, several by name in a .npz file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.types import Array

__all__ = ["check_target", "read_arrays", "write_arrays"]


def read_arrays(path: Path) -> Array | dict[str, Array]:
    """The array of a .npy file, or those of a .npz file by name. Raises `InputError`."""
    try:
        data = np.load(path, allow_pickle=False)
        return data if isinstance(data, np.ndarray) else dict(data)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a NumPy array file (.npy): {error}") from error


def check_target(path: Path, arrays: int) -> None:
    """Raise `InputError` if a file of that name cannot be written, or cannot hold so many arrays."""
    if path.suffix not in (".npy", ".npz"):
        raise InputError(f"{path} must end with .npy or .npz")
    if arrays > 1 and path.suffix == ".npy":
        raise InputError(f"{path} can hold one array, and there are {arrays}; write a .npz file")
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {path.parent}")


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the only array to a .npy file, or all by name to a .npz file; an interrupted call leaves no half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            if path.suffix == ".npy":
                (array,) = arrays.values()
                np.save(file, array, allow_pickle=False)
            else:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
