"""Operators, operations and layers from packages of users, found by their entry points.

A package names a function in its metadata,

    [project.entry-points."rtlnn.extensions"]
    mine = "my_package:register"

that takes an `Extensions` and says what it adds. `examples/extension` is such a package.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from rtlnn.errors import InputError

if TYPE_CHECKING:
    from rtlnn.frontend.registry import Handler
    from rtlnn.ir.op import Op
    from rtlnn.plan.simple_kind import SimpleKind

__all__ = ["GROUP", "Extensions", "load_extensions"]

GROUP = "rtlnn.extensions"


class Extensions:
    """What a package adds. Nothing that exists can be replaced: that would change designs of others behind their back.

    Parameters
    ----------
    name : of the extension, for messages
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def handler(self, operator: str, *since: int, domain: str) -> Callable[["Handler"], "Handler"]:
        """Declare that a function imports `operator` of `domain`, as defined by each of the opsets `since`.

        It takes `rtlnn.frontend.context.Context` and `rtlnn.frontend.node.OnnxNode`, and gives the view of its result.
        A dialect is a number of such functions that make operations of `rtlnn.ops`.
        """
        from rtlnn.frontend.registry import HANDLERS

        def register(function: "Handler") -> "Handler":
            for version in since:
                key = (domain, operator, version)
                if HANDLERS.setdefault(key, function) is not function:
                    raise self._taken(f"the operator {operator} {version} of the domain {domain!r}")
            return function

        return register

    def operation(self, op: "type[Op]") -> None:
        """Make an operation known by its name, so that networks with it can be saved and read.

        Operations on integers are `rtlnn.ir.op.CodeOp`s.
        """
        from rtlnn.ops import OPERATIONS

        if OPERATIONS.setdefault(op.__name__, op) is not op:
            raise self._taken(f"the operation {op.__name__}")

    def layer(self, op: "type[Op]", kind: "SimpleKind") -> None:
        """Say how an operation becomes hardware (see `rtlnn.plan.simple_kind.SimpleKind`)."""
        from rtlnn.plan.simple import KINDS

        if KINDS.setdefault(op, kind) is not kind:
            raise self._taken(f"hardware for {op.__name__}")

    def _taken(self, what: str) -> InputError:
        return InputError(f"the extension {self._name!r} adds {what}, which exists already; uninstall one of them")


def load_extensions() -> None:
    """Let all installed packages add what they have; only the first call does anything.

    Raises `InputError` that names an extension which cannot be loaded.
    """
    _loaded()


@cache
def _loaded() -> tuple[str, ...]:
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
    for entry in found:
        _register(entry)
    return tuple(entry.name for entry in found)


def _register(entry: EntryPoint) -> None:
    try:
        entry.load()(Extensions(entry.name))
    except InputError:
        raise
    except Exception as error:  # it is the user's own code
        package = entry.dist.name if entry.dist else entry.module
        raise InputError(
            f"the extension {entry.name!r} of the package {package} cannot be loaded "
            f"({type(error).__name__}: {error}); repair or uninstall it"
        ) from error
