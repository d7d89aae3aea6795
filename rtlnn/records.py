"""YAML files become dataclasses, strictly: every fault is reported with its file and line."""

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from rtlnn.errors import InputError

__all__ = ["key_lines", "read_record"]

Record = TypeVar("Record")


def _root(path: Path, what: str, hint: str) -> yaml.Node:
    """The YAML tree of the file. `hint` says where an example is."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise InputError(f"cannot read the {what} file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{what} file {path}: not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{what} file {path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if root is None:
        raise InputError(f"{what} file {path}: the file is empty; {hint}")
    return root


def read_record(path: Path, wanted: type[Record], what: str, hint: str) -> Record:
    """The file as an object of the dataclass `wanted`, by its type hints: numbers, texts, enums, tuples, mappings with
    names as keys, dataclasses, `X | None`.

    Parameters
    ----------
    what : the kind of file, for messages
    hint : for a file that is empty

    Raises `InputError` with file and line for a wrong type, an unknown, missing or repeated key.
    """
    made: Record = _Reader(path, what).read(_root(path, what, hint), wanted, f"the {what}")
    return made


def key_lines(path: Path, what: str) -> dict[tuple[str, ...], int]:
    """The line of every key, by the keys that lead to it."""
    lines: dict[tuple[str, ...], int] = {}
    todo: list[tuple[tuple[str, ...], yaml.Node]] = [((), _root(path, what, "nothing is in it"))]
    while todo:
        place, node = todo.pop()
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[*place, str(key.value)] = key.start_mark.line + 1
                todo.append(((*place, str(key.value)), value))
    return lines


class _Reader:
    """Turns YAML nodes into values of a wanted type, as the type hints of the dataclasses say."""

    def __init__(self, path: Path, file: str) -> None:
        self.path = path
        self.file = file

    def fault(self, node: yaml.Node, text: str) -> InputError:
        return InputError(f"{self.file} file {self.path}, line {node.start_mark.line + 1}: {text}")

    def read(self, node: yaml.Node, wanted: Any, what: str) -> Any:
        if isinstance(wanted, UnionType):  # X | None
            if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
                return None
            wanted = next(t for t in get_args(wanted) if t is not NoneType)
        if get_origin(wanted) is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self.fault(node, f"{what} must be a list")
            return tuple(self.read(item, get_args(wanted)[0], f"an entry of {what}") for item in node.value)
        if get_origin(wanted) is Mapping:
            return self.mapping(node, get_args(wanted)[1], what)
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
        needed = [f.name for f in fields(wanted) if f.default is MISSING and f.default_factory is MISSING]
        missing = [name for name in needed if name not in values]
        if missing:
            raise self.fault(node, f"{what} lacks {', '.join(f'`{name}`' for name in missing)}")
        return wanted(**values)

    def mapping(self, node: yaml.Node, wanted: Any, what: str) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, f"{what} must be a mapping (`name: value` lines)")
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fault(key, f"a key of {what} must be a name")
            if key.value in values:
                raise self.fault(key, f"`{key.value}` is given twice in {what}")
            values[key.value] = self.read(value, wanted, f"`{key.value}`")
        return values

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
