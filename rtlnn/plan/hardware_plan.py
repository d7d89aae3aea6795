"""The plan as a file that people read, edit and give back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from rtlnn.errors import InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.window import min_rows
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task

__all__ = ["HardwarePlan", "LayerPlan"]

_FORMAT = 1
_Choice = TypeVar("_Choice", bound=Enum)


@dataclass(frozen=True)
class LayerPlan:
    """One layer's choices; see `Folding`."""

    name: str
    op: str
    pe: int
    lanes: int
    parallel: tuple[int, int]
    positions: tuple[int, int] = (1, 1)
    pixels: int | None = None
    split: int = 1
    chain: int | None = None
    spacing: int | None = None
    results: int | None = None
    rows: int | None = None
    slots: int | None = None
    accumulation: Accumulation | None = None

    @property
    def folding(self) -> Folding:
        return Folding(**{f.name: getattr(self, f.name) for f in fields(Folding)})


@dataclass(frozen=True)
class HardwarePlan:
    """The choices for all layers of a network."""

    model: str
    platform: str
    layers: tuple[LayerPlan, ...]

    @classmethod
    def of(cls, model: str, platform: str, tasks: Sequence[Task], foldings: Sequence[Folding]) -> "HardwarePlan":
        layers = tuple(LayerPlan(t.name, t.kind, **_choices(f)) for t, f in zip(tasks, foldings, strict=True))
        return cls(model, platform, layers)

    def to_json(self) -> str:
        data = {"format": _FORMAT, **asdict(self)}
        # one line a layer: the file is made to be edited
        layers = ",\n".join(f"    {json.dumps(layer, default=_value)}" for layer in data.pop("layers"))
        head = json.dumps(data, indent=2).removesuffix("\n}")
        return f'{head},\n  "layers": [\n{layers}\n  ]\n}}\n'

    @classmethod
    def load(cls, path: Path) -> "HardwarePlan":
        """Read a plan. Raises `InputError` if it is missing, no JSON, or incomplete."""
        try:
            data: dict[str, Any] = json.loads(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the plan {path}: {error}") from error
        except json.JSONDecodeError as error:
            raise InputError(f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
        if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("layers"), list):
            raise InputError(f"{path} is not a plan of format {_FORMAT}, as `rtlnn build` writes to plan.json")
        layers = tuple(_layer(entry, f"{path}, layer {n}") for n, entry in enumerate(data["layers"]))
        return cls(str(data.get("model")), str(data.get("platform")), layers)

    def foldings(self, tasks: Sequence[Task], arithmetic: Arithmetic) -> list[Folding]:
        """The foldings for `tasks`, in that arithmetic.

        Raises `InputError` if one is illegal, or the plan is another network's.
        """
        names, planned = [t.name for t in tasks], [layer.name for layer in self.layers]
        if names != planned:
            raise InputError(f"the plan is for layers {', '.join(planned)}; the network has {', '.join(names)}")
        for task, layer in zip(tasks, self.layers, strict=True):
            _check(task, layer, arithmetic)
        return [layer.folding for layer in self.layers]


def _choices(folding: Folding) -> dict[str, Any]:
    return {f.name: getattr(folding, f.name) for f in fields(Folding)}


def _layer(entry: Any, where: str) -> LayerPlan:
    """One entry of the file, with its types checked."""
    if not isinstance(entry, dict):
        raise InputError(f"{where}: not an object")
    where = f"{where} ({entry.get('name', 'without name')})"
    known = LayerPlan.__dataclass_fields__
    if unknown := sorted(set(entry) - set(known)):
        raise InputError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    if missing := [k for k in ("name", "pe", "lanes", "parallel") if k not in entry]:
        raise InputError(f"{where}: {', '.join(missing)} missing")
    numbers = {k: entry.get(k) for k in ("pe", "lanes", "pixels", "chain", "spacing", "results", "rows", "slots")}
    numbers["split"] = entry.get("split", 1)
    for key, value in numbers.items():
        optional = key in ("pixels", "chain", "spacing", "results", "rows", "slots") and value is None
        if not optional and not _positive(value):
            raise InputError(f"{where}: {key} must be a positive whole number, not {value!r}")
    parallel = _pair(entry["parallel"], where, "parallel must be two positive numbers, kernel rows and columns")
    positions = _pair(entry.get("positions", [1, 1]), where, "positions must be two positive numbers, rows and columns")
    accumulation = _choice(Accumulation, entry, "accumulation", where)
    return LayerPlan(
        str(entry["name"]),
        str(entry.get("op", "")),
        parallel=parallel,
        positions=positions,
        accumulation=accumulation,
        **numbers,  # type: ignore[arg-type]
    )


def _choice(kind: type[_Choice], entry: dict[str, Any], key: str, where: str) -> _Choice | None:
    value = entry.get(key)
    found = [choice for choice in kind if choice.value == value]
    if value is not None and not found:
        raise InputError(f"{where}: {key} must be one of {', '.join(c.value for c in kind)}, not {value!r}")
    return found[0] if found else None


def _value(choice: Enum) -> str:
    """What JSON says of a choice."""
    return str(choice.value)


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _pair(value: Any, where: str, rule: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(_positive(v) for v in value):
        raise InputError(f"{where}: {rule}, not {value!r}")
    return value[0], value[1]


def _check(task: Task, layer: LayerPlan, arithmetic: Arithmetic) -> None:
    """Raise `InputError` if the hardware does not allow the layer's folding."""

    def fail(problem: str) -> NoReturn:
        raise InputError(f"plan, layer {layer.name!r}: {problem}")

    inputs, outputs = task.input.shape[2], task.sums.shape[2]
    kernel = task.window.kernel
    if layer.lanes > inputs:
        fail(f"lanes {layer.lanes} exceed the {inputs} input channels")
    if task.weights is None and layer.pe != layer.lanes:
        fail(f"pe {layer.pe} must equal lanes {layer.lanes}, for the layer has no weights")
    if layer.pe > outputs:
        fail(f"pe {layer.pe} exceeds the {outputs} output channels")
    for axis, what in enumerate(("rows", "columns")):
        if layer.parallel[axis] not in (1, kernel[axis]):
            fail(f"parallel {what} {layer.parallel[axis]} must be 1 or the kernel's {kernel[axis]}")
    _check_positions(task, layer, fail)
    try:
        candidate = Candidate(task, replace(layer.folding, rows=None), arithmetic)
        window, _ = candidate.window, candidate.kernel
    except ValueError as error:
        fail(str(error))
    least, banks = min_rows(window.window, window.parallel, window.tile), window.banks[0]
    if layer.rows is not None and (layer.rows < least or layer.rows % banks):
        fail(f"rows {layer.rows} must be at least {least}" + (f" and a multiple of {banks}" if banks > 1 else ""))


def _check_positions(task: Task, layer: LayerPlan, fail: Callable[[str], NoReturn]) -> None:
    rows, columns = layer.positions
    if task.pool:
        for axis, what in enumerate(("rows", "columns")):
            if layer.positions[axis] not in (1, task.pool.kernel[axis]):
                fail(f"positions in {what} {layer.positions[axis]} must be 1 or the pool's {task.pool.kernel[axis]}")
    elif rows != 1 or task.sums.shape[1] % columns:
        fail(f"positions {[rows, columns]} must be 1 and a divisor of the {task.sums.shape[1]} output columns")
