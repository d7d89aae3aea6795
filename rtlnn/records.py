"""YAML files become dataclasses, strictly: every fault is reported with its file, line and column, all at once."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Protocol, TypeVar, get_args, get_origin, get_type_hints, runtime_checkable

import yaml

from rtlnn.errors import InputError

__all__ = ["Checked", "Fault", "Unit", "key_lines", "read_record"]

Record = TypeVar("Record")


@dataclass(frozen=True)
class Fault:
    """What is wrong at a place of a record: names of fields and numbers of entries lead there."""

    place: tuple[str | int, ...]
    text: str

    def under(self, *place: str | int) -> "Fault":
        """The same, of a record that has this one at `place`."""
        return Fault((*place, *self.place), self.text)


@runtime_checkable
class Checked(Protocol):
    """A record with rules that types do not express."""

    def faults(self) -> Iterator[Fault]: ...


@dataclass(frozen=True)
class Unit:
    """The unit of a number: `field(metadata={"unit": Unit(...)})`.

    Parameters
    ----------
    name : of the unit
    others : how many of it the other units are that a user may write, by their names in lower case
    """

    name: str
    others: Mapping[str, float]

    def hint(self, text: str) -> str:
        """What to write for a `text` such as "300 MHz"; empty if it is no number with a unit."""
        found = re.fullmatch(r"([0-9][0-9_]*\.?[0-9]*(?:e[+-]?\d+)?)\s*([a-z/]+)", text.strip().lower())
        factor = found and {**self.others, self.name.lower(): 1}.get(found[2])
        return f"; write {float(found[1]) * factor:g}" if found and factor else ""


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
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"{what} file {path}{where}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if root is None:
        raise InputError(f"{what} file {path}: the file is empty; {hint}")
    return root


def read_record(path: Path, wanted: type[Record], what: str, hint: str) -> Record:
    """The file as an object of the dataclass `wanted`, by its type hints: numbers, texts, enums, tuples, mappings with
    names as keys, dataclasses, `X | None`, and unions of dataclasses that the key `kind` tells apart (each has its own
    as a class variable).

    Parameters
    ----------
    what : the kind of file, for messages
    hint : for a file that is empty

    Raises `InputError` with file, line and column for wrong types, unknown, missing or repeated keys, and for what the
    `faults` of a `Checked` dataclass say.
    """
    try:
        made: Record = _read(_root(path, what, hint), wanted, f"the {what}")
    except _Faults as error:
        texts = [f"line {n.start_mark.line + 1}, column {n.start_mark.column + 1}: {text}" for n, text in error.found]
        if len(texts) == 1:
            raise InputError(f"{what} file {path}, {texts[0]}") from None
        raise InputError(f"{what} file {path}:\n" + "\n".join(f"  {text}" for text in texts)) from None
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


class _Faults(Exception):
    """Faults with the YAML nodes where they are."""

    def __init__(self, *found: tuple[yaml.Node, str]) -> None:
        self.found = list(found)


def _collect(faults: _Faults | None, more: _Faults) -> _Faults:
    return _Faults(*(faults.found if faults else ()), *more.found)


def _read(node: yaml.Node, wanted: Any, what: str, unit: Unit | None = None) -> Any:
    """A YAML node as a value of the wanted type."""
    if isinstance(wanted, UnionType):
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null" and NoneType in get_args(wanted):
            return None
        choices = [t for t in get_args(wanted) if t is not NoneType]
        wanted = choices[0] if len(choices) == 1 else _tagged(node, choices, what)
    if get_origin(wanted) is tuple:
        if not isinstance(node, yaml.SequenceNode):
            raise _Faults((node, f"{what} must be a list"))
        items = [(n, (item, get_args(wanted)[0], f"an entry of {what}")) for n, item in enumerate(node.value)]
        return tuple(_each(items).values())
    if get_origin(wanted) is Mapping:
        return _mapping(node, get_args(wanted)[1], what)
    if is_dataclass(wanted):
        return _record(node, wanted, what)
    return _scalar(node, wanted, what, unit)


def _each(items: list[tuple[Any, tuple[Any, ...]]]) -> dict[Any, Any]:
    """Read all items, so that the faults of all of them are told."""
    values: dict[Any, Any] = {}
    faults: _Faults | None = None
    for key, arguments in items:
        try:
            values[key] = _read(*arguments)
        except _Faults as error:
            faults = _collect(faults, error)
    if faults:
        raise faults
    return values


def _tagged(node: yaml.Node, choices: list[Any], what: str) -> Any:
    """The dataclass that the key `kind` chooses."""
    kinds = {choice.kind: choice for choice in choices}
    _check_mapping(node, what)
    chosen = [value for key, value in node.value if key.value == "kind"]
    if not chosen:
        raise _Faults((node, f"{what} lacks `kind`, one of {', '.join(kinds)}"))
    name = chosen[0].value
    if not isinstance(name, str) or name not in kinds:
        near = difflib.get_close_matches(str(name), kinds, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise _Faults((chosen[0], f"`kind` must be one of {', '.join(kinds)}{hint}"))
    return kinds[name]


def _check_mapping(node: yaml.Node, what: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        raise _Faults((node, f"{what} must be a mapping (`key: value` lines)"))


def _record(node: yaml.Node, wanted: Any, what: str) -> Any:
    _check_mapping(node, what)
    hints = get_type_hints(wanted)
    known: dict[str, Field[Any]] = {f.name: f for f in fields(wanted)}
    skipped = {"kind"} if hasattr(wanted, "kind") and "kind" not in known else set()
    items: dict[str, tuple[Any, ...]] = {}
    faults: _Faults | None = None
    for key, value in node.value:
        name = str(key.value)
        if name in items:
            faults = _collect(faults, _Faults((key, f"key `{name}` is given twice in {what}")))
        elif name in known:
            items[name] = (value, hints[name], f"`{name}`", known[name].metadata.get("unit"))
        elif name not in skipped:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
            faults = _collect(faults, _Faults((key, f"unknown key `{name}` in {what}; {hint}")))
    try:
        values = _each(list(items.items()))
    except _Faults as error:
        faults = _collect(faults, error)
    needed = [f.name for f in known.values() if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in items]
    if missing and not faults:
        faults = _Faults((node, f"{what} lacks {', '.join(f'`{name}`' for name in missing)}"))
    if faults:
        raise faults
    made = wanted(**values)
    if isinstance(made, Checked):
        wrong = [(_at(node, fault.place), fault.text) for fault in made.faults()]
        if wrong:
            raise _Faults(*wrong)
    return made


def _at(node: yaml.Node, place: tuple[str | int, ...]) -> yaml.Node:
    """The node at a place, or the nearest above it that the file has."""
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
    return node


def _mapping(node: yaml.Node, wanted: Any, what: str) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _Faults((node, f"{what} must be a mapping (`name: value` lines)"))
    items: dict[str, tuple[Any, ...]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Faults((key, f"a key of {what} must be a name"))
        if key.value in items:
            raise _Faults((key, f"`{key.value}` is given twice in {what}"))
        items[key.value] = (value, wanted, f"`{key.value}`")
    return _each(list(items.items()))


def _scalar(node: yaml.Node, wanted: Any, what: str, unit: Unit | None) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        choices = {member.value: member for member in wanted}
        if not isinstance(node, yaml.ScalarNode) or node.value not in choices:
            raise _Faults((node, f"{what} must be one of {', '.join(map(str, choices))}"))
        return choices[node.value]
    value = yaml.SafeLoader("").construct_object(node) if isinstance(node, yaml.ScalarNode) else None
    accepted = (int, float) if wanted is float else (wanted,)
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, accepted):
        words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
        kind = words[wanted] + (f" in {unit.name}" if unit else "")
        given = f", not {node.value!r}" if isinstance(node, yaml.ScalarNode) else ""
        hint = unit.hint(node.value) if unit and isinstance(node, yaml.ScalarNode) else ""
        raise _Faults((node, f"{what} must be {kind}{given}{hint}"))
    return float(value) if wanted is float else value
