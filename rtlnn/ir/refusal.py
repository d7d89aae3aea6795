"""Nodes that cannot be built, all those of a model in one error."""

from collections.abc import Iterable
from dataclasses import dataclass

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph

__all__ = ["NodesRefused", "Refusal"]


@dataclass(frozen=True)
class Refusal:
    """One node that cannot be built.

    Parameters
    ----------
    node, operator : its name in the model (or index), and its type
    reason : what about it cannot be built
    advice : a way out
    unquantized : the values that it reads and that have to be quantized, where that is all that is amiss
    """

    node: str
    operator: str
    reason: str
    advice: str
    unquantized: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.operator} {self.node!r}: {self.reason}; {self.advice}"


class NodesRefused(InputError):
    """Some nodes of a model cannot be built.

    Parameters
    ----------
    message : for people; names every node
    refusals : the nodes
    partial : what could be imported of the model, without outputs; None if the model was imported whole
    """

    def __init__(self, message: str, refusals: Iterable[Refusal], partial: Graph | None = None) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)
        self.partial = partial
