"""One layer's line in a plan file: what is in it, and whether the hardware allows it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Any, NoReturn, TypeAlias, TypeVar

from rtlnn.errors import InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.fifo import LEAST
from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.window import min_rows
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.option import Option
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.streaming import is_streamable
from rtlnn.plan.tasks import Task

__all__ = ["KernelPlan", "LayerPlan", "SimplePlan", "layer_data", "layer_plan", "option_of", "parse_layer"]

Queues: TypeAlias = tuple[int, ...]
"""Depths of the queues in front of a layer's inputs, 0 where there is none."""
_OPTIONAL = ("stream", "pixels", "chain", "spacing", "results", "rows", "slots")
"""Numbers that may be left out."""
_Choice = TypeVar("_Choice", bound=Enum)


@dataclass(frozen=True)
class KernelPlan:
    """A kernel's choices; see `Folding`."""

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
    memory: MemoryKind | None = None
    stream: int | None = None
    queues: Queues | None = None
    die: int | None = None

    @property
    def folding(self) -> Folding:
        return Folding(**{f.name: getattr(self, f.name) for f in fields(Folding)})


@dataclass(frozen=True)
class SimplePlan:
    """The choices for a layer that has no folding but for its lanes."""

    name: str
    op: str
    lanes: int
    queues: Queues | None = None
    die: int | None = None


LayerPlan: TypeAlias = KernelPlan | SimplePlan


def layer_plan(option: Option, queues: Queues | None, die: int | None = None) -> LayerPlan:
    """What was chosen for a layer; `queues` only where one may be needed, `die` only where it matters."""
    task = option.task
    if isinstance(option, Candidate):
        choices = {f.name: getattr(option.settled, f.name) for f in fields(Folding)}
        return KernelPlan(task.name, task.kind, **choices, queues=queues, die=die)
    assert isinstance(option, SimpleOption)
    return SimplePlan(task.name, task.kind, option.lanes, queues, die)


def layer_data(layer: LayerPlan) -> dict[str, Any]:
    """As it is written; queues, batches of streamed weights and dies only where there may be some."""
    data = {key: v.value if isinstance(v, Enum) else v for key, v in asdict(layer).items()}
    for key in ("queues", "stream", "die"):
        if data.get(key) is None:
            data.pop(key, None)
    return data


def option_of(task: Task, layer: LayerPlan, arithmetic: Arithmetic) -> Option:
    """The layer that the line describes. Raises `InputError` if the hardware does not allow it."""

    def fail(problem: str) -> NoReturn:
        raise InputError(f"plan, layer {layer.name!r}: {problem}")

    if layer.queues is not None and len(layer.queues) != len(task.sources):
        fail(f"queues must be one depth for each of the {len(task.sources)} inputs, not {list(layer.queues)}")
    if task.is_kernel and isinstance(layer, KernelPlan):
        _check(task, layer, arithmetic, fail)
        return Candidate(task, layer.folding, arithmetic)
    if task.is_kernel or isinstance(layer, KernelPlan):
        fail(f"{task.kind} has " + ("pe, lanes and parallel" if task.is_kernel else "lanes, no pe and parallel"))
    try:
        return SimpleOption(task, layer.lanes, arithmetic)
    except ValueError as error:
        fail(str(error))


def parse_layer(entry: Any, where: str) -> LayerPlan:
    """One entry of the file, with its types checked."""
    if not isinstance(entry, dict):
        raise InputError(f"{where}: not an object")
    where = f"{where} ({entry.get('name', 'without name')})"
    simple = "pe" not in entry and "parallel" not in entry and {"name", "lanes"} <= set(entry)
    known = [f.name for f in fields(SimplePlan if simple else KernelPlan)]
    if unknown := sorted(set(entry) - set(known)):
        raise InputError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    queues, die = _depths(entry.get("queues"), where), entry.get("die")
    if die is not None and not (_positive(die) or (die == 0 and not isinstance(die, bool))):
        raise InputError(f"{where}: die must be the number of one of the platform's dies, from 0, not {die!r}")
    if simple:
        if not _positive(entry["lanes"]):
            raise InputError(f"{where}: lanes must be a positive whole number, not {entry['lanes']!r}")
        return SimplePlan(str(entry["name"]), str(entry.get("op", "")), entry["lanes"], queues, die)
    if missing := [k for k in ("name", "pe", "lanes", "parallel") if k not in entry]:
        raise InputError(f"{where}: {', '.join(missing)} missing")
    numbers = {k: entry.get(k) for k in ("pe", "lanes", *_OPTIONAL)}
    numbers["split"] = entry.get("split", 1)
    for key, value in numbers.items():
        optional = key in _OPTIONAL and value is None
        if not optional and not _positive(value):
            raise InputError(f"{where}: {key} must be a positive whole number, not {value!r}")
    parallel = _pair(entry["parallel"], where, "parallel must be two positive numbers, kernel rows and columns")
    positions = _pair(entry.get("positions", [1, 1]), where, "positions must be two positive numbers, rows and columns")
    return KernelPlan(
        str(entry["name"]),
        str(entry.get("op", "")),
        parallel=parallel,
        positions=positions,
        accumulation=_choice(Accumulation, entry, "accumulation", where),
        memory=_choice(MemoryKind, entry, "memory", where),
        queues=queues,
        die=die,
        **numbers,  # type: ignore[arg-type]
    )


def _choice(kind: type[_Choice], entry: dict[str, Any], key: str, where: str) -> _Choice | None:
    value = entry.get(key)
    found = [choice for choice in kind if choice.value == value]
    if value is not None and not found:
        raise InputError(f"{where}: {key} must be one of {', '.join(c.value for c in kind)}, not {value!r}")
    return found[0] if found else None


def _depths(value: Any, where: str) -> Queues | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(n == 0 or (_positive(n) and n >= LEAST) for n in value):
        raise InputError(f"{where}: queues must be depths of at least {LEAST}, or 0 for none, not {value!r}")
    return tuple(int(n) for n in value)


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _pair(value: Any, where: str, rule: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(_positive(v) for v in value):
        raise InputError(f"{where}: {rule}, not {value!r}")
    return value[0], value[1]


def _check(task: Task, layer: KernelPlan, arithmetic: Arithmetic, fail: Callable[[str], NoReturn]) -> None:
    """Raise `InputError` if the hardware does not allow the kernel's folding."""
    inputs, outputs = task.input.shape[2], task.sums.shape[2]
    kernel = task.window.kernel
    if layer.lanes > inputs:
        fail(f"lanes {layer.lanes} exceed the {inputs} input channels")
    if task.weights is None and layer.pe != layer.lanes:
        fail(f"pe {layer.pe} must equal lanes {layer.lanes}, for the layer has no weights")
    if task.weights is None and layer.memory is not None:
        fail(f"memory {layer.memory.value} holds nothing, for the layer has no weights")
    if layer.stream is not None and not is_streamable(task):
        fail("its weights cannot be streamed; those of dense layers can")
    if layer.pe > outputs:
        fail(f"pe {layer.pe} exceeds the {outputs} output channels")
    for axis, what in enumerate(("rows", "columns")):
        if layer.parallel[axis] not in (1, kernel[axis]):
            fail(f"parallel {what} {layer.parallel[axis]} must be 1 or the kernel's {kernel[axis]}")
    _check_positions(task, layer, fail)
    try:
        candidate = Candidate(task, replace(layer.folding, rows=None), arithmetic)
        window, _ = candidate.window, candidate.layer
    except ValueError as error:
        fail(str(error))
    least, banks = min_rows(window.window, window.parallel, window.tile), window.banks[0]
    if layer.rows is not None and (layer.rows < least or layer.rows % banks):
        fail(f"rows {layer.rows} must be at least {least}" + (f" and a multiple of {banks}" if banks > 1 else ""))


def _check_positions(task: Task, layer: KernelPlan, fail: Callable[[str], NoReturn]) -> None:
    rows, columns = layer.positions
    if task.pool:
        for axis, what in enumerate(("rows", "columns")):
            if layer.positions[axis] not in (1, task.pool.kernel[axis]):
                fail(f"positions in {what} {layer.positions[axis]} must be 1 or the pool's {task.pool.kernel[axis]}")
    elif rows != 1 or task.sums.shape[1] % columns:
        fail(f"positions {[rows, columns]} must be 1 and a divisor of the {task.sums.shape[1]} output columns")
