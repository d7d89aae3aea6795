"""The result of a profile."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from rtlnn.comparing import Comparison
from rtlnn.ir.types import Array, FixedFormat

__all__ = ["Profile", "Seen", "ValueKind", "ValueProfile", "profile_of"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 1.0)


class ValueKind(Enum):
    """What a value is."""

    WEIGHT = "weight"
    ACTIVATION = "activation"


@dataclass(frozen=True)
class ValueProfile:
    """One value of the integer network, all numbers real ones.

    Parameters
    ----------
    layer : that has these weights, or this result
    name : of the value
    kind : what it is
    bits, signed : its format
    least, largest : the numbers that the format holds
    step : its smallest difference, of weights the smallest of all channels
    seen_least, seen_largest : the numbers seen
    spread : magnitudes of which 5, 25, 50, 75 and 100 % of the numbers seen that are not 0 are not larger
    values, saturated : how many were seen, and how many of them at an end of the format (a ReLU's zero is no end)
    noise : in dB, how far the float model's value lies above its difference from this one; None where none is known
    """

    layer: str
    name: str
    kind: ValueKind
    bits: int
    signed: bool
    least: float
    largest: float
    step: float
    seen_least: float
    seen_largest: float
    spread: tuple[float, ...]
    values: int
    saturated: int
    noise: float | None = None

    @property
    def unused_bits(self) -> float:
        """How many bits the largest number seen leaves unused: log2 of the format's reach over that of the numbers."""
        reach = max(-self.least, self.largest)
        seen = max(-self.seen_least, self.seen_largest)
        return float(np.log2(reach / seen)) if seen > 0 else float(self.bits)


@dataclass(frozen=True)
class Profile:
    """All values of a network, and what differs from onnxruntime.

    Parameters
    ----------
    model : its name
    frames : how many were run
    values : weights and activations, in the order of evaluation
    comparison : with onnxruntime, layer by layer; None where it could not be made
    notes : what limits the profile
    """

    model: str
    frames: int
    values: tuple[ValueProfile, ...]
    comparison: Comparison | None
    notes: tuple[str, ...] = ()

    @property
    def saturated(self) -> int:
        return sum(v.saturated for v in self.values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        values = [
            {**asdict(v), "kind": v.kind.value, "spread": list(v.spread), "unused_bits": v.unused_bits}
            for v in self.values
        ]
        return {
            "model": self.model,
            "frames": self.frames,
            "values": values,
            "saturated": self.saturated,
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"


@dataclass(frozen=True, eq=False)
class Seen:
    """Integers that were seen.

    Parameters
    ----------
    least, largest : of all of them
    values, saturated : how many, and how many of them at an end of the format
    kept : some of them
    """

    least: int = 0
    largest: int = 0
    values: int = 0
    saturated: int = 0
    kept: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, codes: Array, fixed: FixedFormat, every: int = 1) -> "Seen":
        """Keeps each `every`-th one."""
        at_end = codes == fixed.hi
        if fixed.lo != fixed.zero_point:
            # the least code that stands for 0 is what a ReLU makes, and no overflow
            at_end = at_end | (codes == fixed.lo)
        return cls(int(codes.min()), int(codes.max()), codes.size, int(at_end.sum()), codes.ravel()[::every])

    def __add__(self, other: "Seen") -> "Seen":
        if not self.values:
            return other
        return Seen(
            min(self.least, other.least),
            max(self.largest, other.largest),
            self.values + other.values,
            self.saturated + other.saturated,
            np.concatenate([self.kept, other.kept]),
        )


def _spread(numbers: Array) -> tuple[float, ...]:
    """Quantiles of the magnitudes that are not 0."""
    magnitudes = np.abs(numbers[numbers != 0])
    return tuple(float(q) for q in np.quantile(magnitudes, QUANTILES)) if magnitudes.size else ()


def profile_of(
    layer: str, name: str, kind: ValueKind, seen: Seen, fixed: FixedFormat, real: Array, noise: float | None = None
) -> ValueProfile:
    """The profile of integers in the format `fixed`; `real` are the numbers that (some of) them stand for."""
    scale = np.asarray(fixed.scale, np.float64)

    def number(code: int) -> Array:
        return np.asarray((code - fixed.zero_point) * scale)

    of_all = real if kind is ValueKind.WEIGHT else np.stack([number(seen.least), number(seen.largest)])
    return ValueProfile(
        layer,
        name,
        kind,
        fixed.bits,
        fixed.signed,
        float(number(fixed.lo).min()),
        float(number(fixed.hi).max()),
        float(scale.min()),
        float(of_all.min()),
        float(of_all.max()),
        _spread(real),
        seen.values,
        seen.saturated,
        noise,
    )
