"""Platform files (YAML) become `Platform` objects; every fault is reported with its file, line and column.

A package can bring platforms: it names a package of its own, whose folder has their files, in its metadata:

    [project.entry-points."rtlnn.platforms"]
    mine = "my_package.boards"
"""

import difflib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from rtlnn.errors import InputError
from rtlnn.platforms.spec import Platform
from rtlnn.records import read_record

__all__ = ["GROUP", "list_platforms", "load_platform"]

GROUP = "rtlnn.platforms"
_FOLDER = Path(__file__).parent
_SUFFIXES = (".yaml", ".yml")


def list_platforms() -> list[str]:
    """Names of the platforms that come with this package and with installed ones, sorted.

    Raises `InputError` for an installed package that cannot be loaded, or whose platform has the name of another one.
    """
    return sorted(_files())


def load_platform(name_or_path: str | Path) -> Platform:
    """Read a platform by its name (see `list_platforms`) or from a YAML file of the user's own.

    Raises `InputError` if there is no such platform (naming those with a similar name) or the file is not valid.
    """
    text, files = str(name_or_path), _files()
    if text in files:
        return _read(files[text])
    if text.endswith(_SUFFIXES) or "/" in text or isinstance(name_or_path, Path):
        return _read(Path(name_or_path))
    near = difflib.get_close_matches(text.lower(), files, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    known = ", ".join(sorted(files))
    raise InputError(f"unknown platform {text!r}: {hint}Known: {known}; or give the path of a platform file (.yaml)")


def _read(path: Path) -> Platform:
    return read_record(path, Platform, "platform", "docs/platforms/README.md shows one")


@cache
def _files() -> Mapping[str, Path]:
    """The file of each platform, by its name."""
    found = {path.stem: path for path in _FOLDER.glob("*.yaml")}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        for path in sorted(_folder(entry).glob("*.yaml")):
            if found.setdefault(path.stem, path) != path:
                raise InputError(
                    f"the package of {entry.value} brings a platform {path.stem!r}, and so does {found[path.stem]}; "
                    "rename it, or uninstall one of them"
                )
    return found


def _folder(entry: EntryPoint) -> Path:
    """The folder of the package that an entry point names."""
    try:
        package = entry.load()
    except Exception as error:  # it is the user's own code
        raise InputError(
            f"the platforms {entry.name!r} of {entry.value} cannot be loaded ({type(error).__name__}: {error}); "
            "repair or uninstall the package"
        ) from error
    file = getattr(package, "__file__", None)
    if file is None:
        raise InputError(f"the platforms {entry.name!r} name {entry.value}, which is not a package with a folder")
    return Path(file).parent
