"""Which function imports which operator, keyed by (domain, operator, version of its definition)."""

from collections.abc import Callable
from typing import TypeVar

import onnx

from rtlnn.frontend.context import Context
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.tensors import Tensor

__all__ = ["HANDLERS", "Handler", "Result", "definition", "handles"]

Result = Tensor | tuple[Tensor, ...]
"""What a node makes: its first output, or several of them."""

Handler = Callable[[Context, OnnxNode], Result]

_H = TypeVar("_H", bound=Handler)

HANDLERS: dict[tuple[str, str, int], Handler] = {}
"""Filled once, when `rtlnn.frontend.handlers` is imported, and constant from then on."""


def handles(operator: str, *since: int, domain: str = "") -> Callable[[_H], _H]:
    """Declare that a function imports `operator` as defined by each of the opsets `since`.

    Versions are listed one by one: a newer definition may mean something else, and is refused until someone reads it.
    """

    def register(handler: _H) -> _H:
        for version in since:
            HANDLERS[domain, operator, version] = handler
        return handler

    return register


def definition(domain: str, operator: str, opset: int) -> int:
    """The version of `operator` that holds in `opset` of its domain; 0 if there is none.

    ONNX knows those of its own domain. Of others the newest that a handler reads is taken, version 1 where a model
    does not say which (older exporters of QONNX do not declare its domain).
    """
    try:
        return int(onnx.defs.get_schema(operator, opset, domain).since_version)
    except onnx.defs.SchemaError:
        known = (since for d, kind, since in HANDLERS if (d, kind) == (domain, operator))
        return max((since for since in known if since <= max(opset, 1)), default=0) if domain else 0
