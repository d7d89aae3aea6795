"""Which function imports which operator, keyed by (domain, operator, version of its definition)."""

from collections.abc import Callable

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.tensors import Tensor

__all__ = ["HANDLERS", "Handler", "handles"]

Handler = Callable[[Context, OnnxNode], Tensor]

HANDLERS: dict[tuple[str, str, int], Handler] = {}
"""Filled once, when `rtlnn.frontend.handlers` is imported, and constant from then on."""


def handles(operator: str, *since: int, domain: str = "") -> Callable[[Handler], Handler]:
    """Declare that a function imports `operator` as defined by each of the opsets `since`.

    Versions are listed one by one: a newer definition may mean something else, and is refused until someone reads it.
    """

    def register(handler: Handler) -> Handler:
        for version in since:
            HANDLERS[domain, operator, version] = handler
        return handler

    return register
