"""The result of a check."""

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from rtlnn.ir.refusal import Refusal

__all__ = ["Check", "Fate", "LayerSize", "NodeFate"]


class Fate(Enum):
    """What becomes of a node."""

    LAYER = "layer"
    """It is a layer of the hardware, or a part of one."""
    HOST = "host"
    LAYOUT = "layout"
    """It only says how elements are read; nothing is left of it."""
    CONSTANT = "constant"
    """It is computed while the model is read."""
    UNUSED = "unused"
    """No output needs it."""
    ACCEPTED = "accepted"
    """It can be imported; what it becomes is open while other nodes are refused."""
    REFUSED = "refused"


@dataclass(frozen=True)
class NodeFate:
    """One node of the model.

    Parameters
    ----------
    name, operator : the model's; a node without a name is called by operator and index
    fate : what becomes of it
    layers : the layers of the hardware that it becomes, or becomes a part of
    reason, advice : why it is refused, and a way out; empty otherwise
    """

    name: str
    operator: str
    fate: Fate
    layers: tuple[str, ...] = ()
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True)
class LayerSize:
    """What a layer amounts to.

    Parameters
    ----------
    name, operator : the layer's
    output : (height, width, channels)
    multiplies : multiplications a frame
    weights : how many
    weight_bits, input_bits, output_bits : widths; 0 where there are none, or where they are open
    """

    name: str
    operator: str
    output: tuple[int, ...]
    multiplies: int
    weights: int
    weight_bits: int
    input_bits: int
    output_bits: int


@dataclass(frozen=True)
class Check:
    """What will become of a model.

    Parameters
    ----------
    model : its name
    nodes : in the model's order
    layers : of the hardware, as far as they are known
    problems : that belong to no node of the model
    notes : what the numbers rest on
    """

    model: str
    nodes: tuple[NodeFate, ...]
    layers: tuple[LayerSize, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(n.name, n.operator, n.reason, n.advice) for n in self.nodes if n.fate is Fate.REFUSED)

    @property
    def buildable(self) -> bool:
        """Whether the model can be built as it is."""
        return not self.refusals and not self.problems

    @property
    def multiplies(self) -> int:
        return sum(layer.multiplies for layer in self.layers)

    @property
    def weights(self) -> int:
        return sum(layer.weights for layer in self.layers)

    @property
    def weight_bits(self) -> int:
        """Bits of all weights together."""
        return sum(layer.weights * layer.weight_bits for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        totals = {"multiplies": self.multiplies, "weights": self.weights, "weight_bits": self.weight_bits}
        nodes = [{**asdict(n), "fate": n.fate.value, "layers": list(n.layers)} for n in self.nodes]
        layers = [{**asdict(layer), "output": list(layer.output)} for layer in self.layers]
        return {
            "model": self.model,
            "buildable": self.buildable,
            "nodes": nodes,
            "layers": layers,
            "totals": totals,
            "problems": list(self.problems),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"
