"""The longest path of a whole design, across the borders of its modules."""

from collections.abc import Mapping
from dataclasses import dataclass

from rtlnn.synthesis.arcs import LEVEL
from rtlnn.synthesis.timing import ModuleTiming, Path, Point

__all__ = ["TimedModule", "longest_path"]


@dataclass(frozen=True)
class TimedModule:
    """A module's own paths, and the modules of its instances by the instances' names."""

    timing: ModuleTiming
    instances: Mapping[str, str]


@dataclass(frozen=True)
class _Node:
    """A port of an instance; the path of the top is ""."""

    instance: str
    port: str

    def __str__(self) -> str:
        return _joined(self.instance, self.port)


def _joined(instance: str, name: str) -> str:
    return f"{instance}.{name}" if instance else name


class _Design:
    """All ports of all instances, and the paths between them, in eighths of a level."""

    def __init__(self, modules: Mapping[str, TimedModule], top: str) -> None:
        self._modules = modules
        # where a path comes from a register: how long it is up to this port, and where it begins
        self.leaving: dict[_Node, tuple[int, str]] = {}
        self.arriving: dict[_Node, tuple[int, str]] = {}
        self.before: dict[_Node, list[tuple[_Node, int]]] = {}
        self.inner: list[tuple[int, str, str]] = []
        self._add("", top)

    def _add(self, instance: str, name: str) -> None:
        module = self._modules[name]
        timing = module.timing

        def node(point: Point) -> _Node:
            return _Node(_joined(instance, point.instance) if point.instance else instance, point.port)

        for eighths, start, end in timing.inner[:1]:
            self.inner.append((eighths, _joined(instance, start), _joined(instance, end)))
        for point, (eighths, start) in timing.leaving.items():
            self.leaving[node(point)] = eighths, _joined(instance, start)
        for point, (eighths, end) in timing.arriving.items():
            self.arriving[node(point)] = eighths, _joined(instance, end)
        for enters, leaves, eighths in timing.through:
            self.before.setdefault(node(leaves), []).append((node(enters), eighths))
        for child, child_module in module.instances.items():
            self._add(_joined(instance, child), child_module)

    def arrivals(self) -> dict[_Node, tuple[int, str] | None]:
        """The longest path from a register up to each port, and its start; None where there is none.

        A loop of gates ends where it closes.
        """
        found: dict[_Node, tuple[int, str] | None] = {}
        for root in {**self.before, **self.leaving, **self.arriving}:
            stack = [] if root in found else [root]
            while stack:
                node = stack[-1]
                waiting = [n for n, _ in self.before.get(node, ()) if n not in found]
                if node not in found and waiting:
                    found[node] = None  # under way
                    stack += waiting
                    continue
                stack.pop()
                paths = [(path[0] + more, path[1]) for n, more in self.before.get(node, ()) if (path := found[n])]
                if node in self.leaving:
                    paths.append(self.leaving[node])
                # nothing drives the ports of the top
                found[node] = max(paths, key=lambda p: p[0], default=None)
        return found


def longest_path(modules: Mapping[str, TimedModule], top: str) -> Path | None:
    """The longest path of the design `top` between registers, memories and multipliers; None if there is none.

    What begins or ends at the design's own ports depends on what lies outside.
    """
    design = _Design(modules, top)
    found = list(design.inner)
    for node, arrival in design.arrivals().items():
        if arrival is not None and node in design.arriving:
            more, end = design.arriving[node]
            found.append((arrival[0] + more, arrival[1], end))
    if not found:
        return None
    eighths, start, end = max(reversed(found), key=lambda path: path[0])
    return Path(eighths / LEVEL, start, end)
