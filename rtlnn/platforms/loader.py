"""Platform files (YAML) become `Platform` objects; every fault is reported with its file and line."""

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
    platform = read_record(path, Platform, "platform", "docs/platforms.md shows one")
    _check(platform, path)
    return platform


def _check(platform: Platform, path: Path) -> None:
    """What types alone cannot say."""
    if not platform.slrs:
        raise InputError(f"platform file {path}: `slrs` is empty; a chip without dies is one region")
    for region in platform.slrs:
        if min(region.lut, region.ff, region.dsp, region.bram36, region.uram) < 0:
            raise InputError(f"platform file {path}: region {region.name} has a negative amount of something")
    if platform.clock_mhz <= 0:
        raise InputError(f"platform file {path}: `clock_mhz` must be positive, not {platform.clock_mhz:g}")
    regions = [region.name for region in platform.slrs]
    for what, names in (("region", regions), ("memory bank", [bank.name for bank in platform.memory])):
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"platform file {path}: two {what}s are called {name}")
    for bank in platform.memory:
        if bank.slr not in regions:
            raise InputError(f"platform file {path}: memory bank {bank.name} is in {bank.slr}, which is not a region")
    if platform.shell is not None and platform.shell.bank not in [bank.name for bank in platform.memory]:
        raise InputError(f"platform file {path}: the shell uses {platform.shell.bank}, which `memory` does not list")
