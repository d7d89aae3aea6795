"""Platform files (YAML) become `Platform` objects; every fault is reported with its file, line and column."""

import difflib
from pathlib import Path

from rtlnn.errors import InputError
from rtlnn.platforms.spec import Platform
from rtlnn.records import read_record

__all__ = ["list_platforms", "load_platform"]

_FOLDER = Path(__file__).parent
_SUFFIXES = (".yaml", ".yml")


def list_platforms() -> list[str]:
    """Names of the platforms that come with the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_platform(name_or_path: str | Path) -> Platform:
    """Read a platform by its name (see `list_platforms`) or from a YAML file of the user's own.

    Raises `InputError` if there is no such platform (naming those with a similar name) or the file is not valid.
    """
    text = str(name_or_path)
    if text in list_platforms():
        return _read(_FOLDER / f"{text}.yaml")
    if text.endswith(_SUFFIXES) or "/" in text or isinstance(name_or_path, Path):
        return _read(Path(name_or_path))
    near = difflib.get_close_matches(text.lower(), list_platforms(), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    known = ", ".join(list_platforms())
    raise InputError(f"unknown platform {text!r}: {hint}Known: {known}; or give the path of a platform file (.yaml)")


def _read(path: Path) -> Platform:
    return read_record(path, Platform, "platform", "docs/platforms.md shows one")
