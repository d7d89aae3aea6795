"""The result of a comparison."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rtlnn.ir.types import Array

__all__ = ["Comparison", "Difference", "LayerComparison"]


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart, over all frames.

    Parameters
    ----------
    values : how many were compared
    differing : how many are not equal
    largest : the largest difference, in steps of an integer value or in units of a real one
    """

    values: int = 0
    differing: int = 0
    largest: float = 0.0

    @classmethod
    def of(cls, ours: Array, theirs: Array, tolerance: float = 0.0) -> "Difference":
        """NaN equals NaN; a NaN against a number is an infinite difference.

        Real numbers are equal if they differ by `tolerance` at most, of their size where that is above 1.
        """
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        unequal = (a != b) & ~(np.isnan(a) & np.isnan(b))
        if tolerance:
            unequal &= ~(np.abs(a - b) <= tolerance * np.maximum(np.abs(b), 1.0))
        gap = np.abs(a[unequal] - b[unequal])
        largest = float(np.where(np.isnan(gap), np.inf, gap).max()) if gap.size else 0.0
        return cls(a.size, int(unequal.sum()), largest)

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            self.values + other.values, self.differing + other.differing, max(self.largest, other.largest)
        )

    @property
    def fraction(self) -> float:
        return self.differing / self.values if self.values else 0.0


@dataclass(frozen=True)
class LayerComparison:
    """One integer value of the network that onnxruntime computes, too.

    Parameters
    ----------
    layer : the layer that makes it
    tensor : the model's name for it
    alone : with the layer fed onnxruntime's own tensors
    through : with the network fed its input alone
    """

    layer: str
    tensor: str
    alone: Difference
    through: Difference


@dataclass(frozen=True)
class Comparison:
    """A network beside onnxruntime.

    Parameters
    ----------
    model, runtime : the model's name; onnxruntime's version
    mode : the session's options
    frames : how many were compared
    layers : in the order of evaluation
    outputs : the model's own outputs, by name, end to end
    notes : what limits the comparison
    """

    model: str
    runtime: str
    mode: str
    frames: int
    layers: tuple[LayerComparison, ...]
    outputs: tuple[tuple[str, Difference], ...]
    notes: tuple[str, ...] = ()

    @property
    def first_diverging(self) -> LayerComparison | None:
        """The first layer that differs although it was fed onnxruntime's own tensors."""
        return next((layer for layer in self.layers if layer.alone.differing), None)

    @property
    def equal(self) -> bool:
        """Whether nothing differs, neither in a layer nor at an output."""
        found = [d for layer in self.layers for d in (layer.alone, layer.through)]
        return not any(d.differing for d in (*found, *(d for _, d in self.outputs)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""

        def plain(d: Difference) -> dict[str, Any]:
            return {**asdict(d), "fraction": d.fraction}

        first = self.first_diverging
        layers = [
            {"layer": c.layer, "tensor": c.tensor, "alone": plain(c.alone), "through": plain(c.through)}
            for c in self.layers
        ]
        return {
            "model": self.model,
            "runtime": self.runtime,
            "mode": self.mode,
            "frames": self.frames,
            "equal": self.equal,
            "first_diverging": first.layer if first else None,
            "layers": layers,
            "outputs": [{"name": name, **plain(d)} for name, d in self.outputs],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"
