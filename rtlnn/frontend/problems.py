"""Everything about a model that cannot be used, collected, so that one message tells it all."""

from dataclasses import dataclass, field

from rtlnn.errors import InputError

__all__ = ["Problems", "Unsupported"]


class Unsupported(Exception):
    """A node that cannot be imported.

    Parameters
    ----------
    reason : what about it cannot be used
    advice : what the user can do
    layout : the reason is the order of elements, which a problem further up may have caused
    """

    def __init__(self, reason: str, advice: str, *, layout: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.layout = layout


@dataclass
class Problems:
    """The problems of one model, in the order of its nodes."""

    lines: list[str] = field(default_factory=list)

    def add(self, name: str, operator: str, problem: Unsupported) -> None:
        self.lines.append(f"{operator} {name!r}: {problem.reason}; {problem.advice}")

    def raise_if_any(self, model: str) -> None:
        """Raises `InputError` with one line for each problem."""
        if self.lines:
            count = "one node" if len(self.lines) == 1 else f"{len(self.lines)} nodes"
            listing = "\n".join(f"  {line}" for line in self.lines)
            raise InputError(f"{model} has {count} that rtlnn cannot use:\n{listing}")
