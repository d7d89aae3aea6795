"""Platform files (YAML) become `Platform` objects; every fault is reported with its file and line."""

import difflib
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from rtlnn.errors import InputError
from rtlnn.platforms.spec import Platform

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
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise InputError(f"cannot read the platform file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"platform file {path}: not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"platform file {path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if root is None:
        raise InputError(f"platform file {path}: the file is empty; docs/platforms.md shows one")
    platform: Platform = _Reader(path).read(root, Platform, "the platform")
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


class _Reader:
    """Turns YAML nodes into values of a wanted type, as the type hints of the dataclasses say."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fault(self, node: yaml.Node, text: str) -> InputError:
        return InputError(f"platform file {self.path}, line {node.start_mark.line + 1}: {text}")

    def read(self, node: yaml.Node, wanted: Any, what: str) -> Any:
        if isinstance(wanted, UnionType):  # X | None
            if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
                return None
            wanted = next(t for t in get_args(wanted) if t is not NoneType)
        if get_origin(wanted) is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self.fault(node, f"{what} must be a list")
            return tuple(self.read(item, get_args(wanted)[0], f"an entry of {what}") for item in node.value)
        if is_dataclass(wanted):
            return self.record(node, wanted, what)
        return self.scalar(node, wanted, what)

    def record(self, node: yaml.Node, wanted: Any, what: str) -> Any:
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, f"{what} must be a mapping (`key: value` lines)")
        hints = get_type_hints(wanted)
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in hints:
                near = difflib.get_close_matches(name, hints, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(hints)}"
                raise self.fault(key, f"unknown key `{name}` in {what}; {hint}")
            if name in values:
                raise self.fault(key, f"key `{name}` is given twice in {what}")
            values[name] = self.read(value, hints[name], f"`{name}`")
        missing = [f.name for f in fields(wanted) if f.default is MISSING and f.name not in values]
        if missing:
            raise self.fault(node, f"{what} lacks {', '.join(f'`{name}`' for name in missing)}")
        return wanted(**values)

    def scalar(self, node: yaml.Node, wanted: Any, what: str) -> Any:
        words = {str: "a text", int: "a whole number", float: "a number"}
        if isinstance(wanted, type) and issubclass(wanted, Enum):
            choices = {member.value: member for member in wanted}
            if not isinstance(node, yaml.ScalarNode) or node.value not in choices:
                raise self.fault(node, f"{what} must be one of {', '.join(choices)}")
            return choices[node.value]
        value = yaml.SafeLoader("").construct_object(node) if isinstance(node, yaml.ScalarNode) else None
        accepted = (int, float) if wanted is float else (wanted,)
        if isinstance(value, bool) or not isinstance(value, accepted):
            given = f", not {node.value!r}" if isinstance(node, yaml.ScalarNode) else ""
            raise self.fault(node, f"{what} must be {words[wanted]}{given}")
        return float(value) if wanted is float else value
