"""What a plan is to reach, and what it may spend."""

from dataclasses import dataclass, fields, replace
from enum import Enum

from rtlnn.errors import InputError
from rtlnn.layers.component import Resources
from rtlnn.plan.amounts import NAMES, SCALES, Vector

__all__ = ["DEFAULT_SHARE", "Budget", "Goal", "Objective", "allowed_of", "prices_of"]

_WHOLE = 1 << 32
"""The price of the whole budget of any resource."""

DEFAULT_SHARE = 0.7
"""Part of what the platform leaves to the user that a plan may fill; beyond it, routing becomes hard."""


class Objective(Enum):
    THROUGHPUT = "throughput"
    """The shortest interval within the budget; with a target, the smallest design that reaches it."""
    LATENCY = "latency"
    """As throughput; then whatever budget is left is spent on a shorter latency."""
    AREA = "area"
    """The smallest design; with a target, the smallest that reaches it."""


@dataclass(frozen=True)
class Goal:
    """An objective, and optionally the interval and the latency to reach, in cycles."""

    objective: Objective = Objective.THROUGHPUT
    interval: int | None = None
    latency: int | None = None

    def __post_init__(self) -> None:
        for name, cycles in (("interval", self.interval), ("latency", self.latency)):
            if cycles is not None and cycles < 1:
                raise InputError(f"the target {name} must be at least 1 cycle, not {cycles}")


@dataclass(frozen=True)
class Budget:
    """The most that a design may take."""

    lut: float
    ff: float
    dsp: float
    bram36: float
    uram: float

    def shortfalls(self, used: Resources) -> list[str]:
        """What is exceeded, in words."""
        result = []
        for name in ("lut", "ff", "dsp", "bram36", "uram"):
            needed, allowed = getattr(used, name), getattr(self, name)
            if needed > allowed:
                result.append(f"{needed:,.0f} {name.upper()} where {allowed:,.0f} are allowed")
        return result

    def fits(self, used: Resources) -> bool:
        return not self.shortfalls(used)

    def without(self, planned: Resources, used: Resources) -> "Budget":
        """What is left for a design of `planned` that came to take `used`."""
        return Budget(
            *(getattr(self, f.name) - (getattr(used, f.name) - getattr(planned, f.name)) for f in fields(self))
        )

    def least(self, other: "Budget") -> "Budget":
        """What both allow."""
        return Budget(*(min(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))

    def scarcer(self, used: Resources, whole: "Budget", part: float) -> "Budget":
        """`part` of what a design that takes `used` of the `whole` fills most, and all of the rest."""
        fullest = max(fields(self), key=lambda f: getattr(used, f.name) / max(getattr(whole, f.name), 1e-9)).name
        return replace(self, **{fullest: part * min(getattr(self, fullest), getattr(whole, fullest))})

    def share(self, used: Resources) -> float:
        """How much of the budget is used: the sum of the parts, so that a scarce resource is dear."""
        pairs = [(getattr(used, n), getattr(self, n)) for n in ("lut", "ff", "dsp", "bram36", "uram")]
        return sum(u / max(a, 1e-9) for u, a in pairs if u)


def prices_of(budget: Budget) -> Vector:
    """What a unit of each resource is worth: the whole budget of any is worth the same.

    Where nothing is allowed, a unit is worth as much as the whole of another.
    """
    lut, ff, dsp, bram36, uram = (
        round(_WHOLE / max(getattr(budget, name) * scale, 1)) for name, scale in zip(NAMES, SCALES, strict=True)
    )
    return lut, ff, dsp, bram36, uram


def allowed_of(budget: Budget) -> Vector:
    """The budget in whole numbers."""
    lut, ff, dsp, bram36, uram = (int(getattr(budget, name) * scale) for name, scale in zip(NAMES, SCALES, strict=True))
    return lut, ff, dsp, bram36, uram
