"""Everything about a model that cannot be used, collected, so that one message tells it all."""

from dataclasses import dataclass, field

from rtlnn.ir.graph import Graph
from rtlnn.ir.refusal import NodesRefused, Refusal

__all__ = ["Problems", "Unsupported"]


class Unsupported(Exception):
    """A node that cannot be imported.

    Parameters
    ----------
    reason : what about it cannot be used
    advice : what the user can do
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice


@dataclass
class Problems:
    """The problems of one model, in the order of its nodes."""

    refusals: list[Refusal] = field(default_factory=list)

    def add(self, name: str, operator: str, problem: Unsupported) -> None:
        self.refusals.append(Refusal(name, operator, problem.reason, problem.advice))

    def raise_if_any(self, model: str, imported: Graph) -> None:
        """Raises `NodesRefused` with one line for each problem; `imported` is what the other nodes make."""
        if self.refusals:
            count = "one node" if len(self.refusals) == 1 else f"{len(self.refusals)} nodes"
            listing = "\n".join(f"  {refusal}" for refusal in self.refusals)
            raise NodesRefused(f"{model} has {count} that rtlnn cannot use:\n{listing}", self.refusals, imported)
