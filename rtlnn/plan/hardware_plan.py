"""The plan as a file that people read, edit and give back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtlnn.errors import InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.plan.assembly import Edge
from rtlnn.plan.layer_plan import LayerPlan, layer_data, layer_plan, option_of, parse_layer
from rtlnn.plan.option import Option
from rtlnn.plan.tasks import Task

__all__ = ["HardwarePlan"]

_FORMAT = 1


@dataclass(frozen=True)
class HardwarePlan:
    """The choices for all layers of a network."""

    model: str
    platform: str
    layers: tuple[LayerPlan, ...]

    @classmethod
    def of(
        cls,
        model: str,
        platform: str,
        options: Sequence[Option],
        depths: Mapping[Edge, int] | None = None,
        dies: Mapping[str, int] | None = None,
    ) -> "HardwarePlan":
        """What was chosen; `depths` of the queues at all edges where one may be needed, `dies` by layer, if several."""
        users = {edge.user for edge in depths or ()}
        queues = {o.task.name: [0] * len(o.task.sources) for o in options if o.task.name in users}
        for edge, depth in (depths or {}).items():
            queues[edge.user][edge.port] = depth
        found = ((option, queues.get(option.task.name)) for option in options)
        places = dies or {}
        layers = (layer_plan(o, None if q is None else tuple(q), places.get(o.task.name)) for o, q in found)
        return cls(model, platform, tuple(layers))

    @property
    def dies(self) -> dict[str, int]:
        """The number of each layer's die, by name; none where all may be anywhere.

        Raises `InputError` where only some layers have one.
        """
        found = {layer.name: layer.die for layer in self.layers if layer.die is not None}
        if found and len(found) < len(self.layers):
            missing = next(layer.name for layer in self.layers if layer.die is None)
            raise InputError(f"plan, layer {missing!r}: die is missing; give all layers one, or none")
        return found

    def to_json(self) -> str:
        # one line a layer: the file is made to be edited
        layers = ",\n".join(f"    {json.dumps(layer_data(layer))}" for layer in self.layers)
        head = json.dumps({"format": _FORMAT, "model": self.model, "platform": self.platform}, indent=2)
        head = head.removesuffix("\n}")
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
        layers = tuple(parse_layer(entry, f"{path}, layer {n}") for n, entry in enumerate(data["layers"]))
        return cls(str(data.get("model")), str(data.get("platform")), layers)

    def options(self, tasks: Sequence[Task], arithmetic: Arithmetic) -> list[Option]:
        """The layers for `tasks`. Raises `InputError` if one is illegal, or the plan is another network's."""
        names, planned = [t.name for t in tasks], [layer.name for layer in self.layers]
        if names != planned:
            raise InputError(f"the plan is for layers {', '.join(planned)}; the network has {', '.join(names)}")
        return [option_of(task, layer, arithmetic) for task, layer in zip(tasks, self.layers, strict=True)]

    def depths(self, edges: Sequence[Edge]) -> dict[Edge, int]:
        """The depths of queues that the plan gives."""
        queues = {layer.name: layer.queues for layer in self.layers}
        given = ((edge, queues[edge.user]) for edge in edges)
        return {edge: found[edge.port] for edge, found in given if found is not None}
