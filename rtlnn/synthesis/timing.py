"""The longest paths of one synthesized module: between its registers, and from and to its ports and submodules."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from rtlnn.synthesis.arcs import LEVEL, Bit, arcs, combinational

__all__ = ["ModuleTiming", "Path", "Point", "timing_of"]

PATHS = 20
"""Paths inside a module that are kept."""


@dataclass(frozen=True)
class Path:
    """A path, by the names of the registers, memories, multipliers or ports at its ends.

    `levels` are LUT levels; see `arcs.py`.
    """

    levels: float
    start: str
    end: str


class Point(NamedTuple):
    """A port of the module itself (instance "") or of a module that it instantiates."""

    instance: str
    port: str


@dataclass(frozen=True)
class ModuleTiming:
    """The longest paths of a module, in eighths of a level.

    Parameters
    ----------
    inner : the longest of those that stay inside: (eighths, start, end), one a register at the end, the longest first
    arriving : by the point where a path enters: the longest one to a register, and its end
    leaving : by the point where a path leaves: the longest one from a register, and its start
    through : (enters, leaves, eighths) of those that meet no register
    """

    inner: tuple[tuple[int, str, str], ...]
    arriving: Mapping[Point, tuple[int, str]]
    leaving: Mapping[Point, tuple[int, str]]
    through: tuple[tuple[Point, Point, int], ...]

    @property
    def longest(self) -> tuple[Path, ...]:
        """Paths inside the module, and from or to its border; the longest first."""
        found = list(self.inner)
        found += [(n, _shown(point), end) for point, (n, end) in self.arriving.items()]
        found += [(n, start, _shown(point)) for point, (n, start) in self.leaving.items()]
        found += [(n, _shown(a), _shown(b)) for a, b, n in self.through]
        found.sort(key=lambda path: -path[0])
        return tuple(Path(eighths / LEVEL, start, end) for eighths, start, end in found)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        for side in ("arriving", "leaving"):
            data[side] = [[*point, *path] for point, path in getattr(self, side).items()]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ModuleTiming":
        arriving, leaving = (
            {Point(instance, port): (eighths, name) for instance, port, eighths, name in data[side]}
            for side in ("arriving", "leaving")
        )
        through = tuple((Point(*a), Point(*b), eighths) for a, b, eighths in data["through"])
        return cls(tuple((n, a, b) for n, a, b in data["inner"]), arriving, leaving, through)


def _shown(point: Point) -> str:
    return ".".join(filter(None, point))


def timing_of(module: Mapping[str, Any], submodules: Collection[str] = ()) -> ModuleTiming:
    """The timing of a module as Yosys's `write_json` gives it; `submodules` are the cell types that are modules."""
    return _Netlist(module, submodules).timing()


class _Netlist:
    def __init__(self, module: Mapping[str, Any], submodules: Collection[str]) -> None:
        self._names = _names(module["netnames"])
        self.fanin: dict[int, list[tuple[int, int]]] = {}
        self.fanout: dict[int, list[int]] = {}
        # nets that begin or end paths: which cell's port, or which point of the border
        self.begin: dict[int, str | Point] = {}
        self.ends: dict[int, list[tuple[str, str] | Point]] = {}
        for name, port in module["ports"].items():
            self._border(Point("", name), port["bits"], port["direction"] == "input")
        for name, cell in module["cells"].items():
            inputs, outputs = _sides(cell)
            if cell["type"] in submodules:
                for port, bits in outputs.items():
                    self._border(Point(name, port), bits, True)
                for port, bits in inputs.items():
                    self._border(Point(name, port), bits, False)
            else:
                self._cell(name, cell["type"], inputs, outputs)

    def _border(self, point: Point, bits: Iterable[Bit], enters: bool) -> None:
        for bit in bits:
            if isinstance(bit, int) and enters:
                self.begin[bit] = point
            elif isinstance(bit, int):
                self.ends.setdefault(bit, []).append(point)

    def _cell(self, name: str, kind: str, inputs: Mapping[str, list[Bit]], outputs: Mapping[str, list[Bit]]) -> None:
        logic = combinational(kind)
        if logic:
            for a, b, eighths in arcs(kind, inputs, outputs):
                self.fanin.setdefault(b, []).append((a, eighths))
                self.fanout.setdefault(a, []).append(b)
        if logic and not kind.startswith(("RAM", "SRL")):
            return
        register = kind.startswith("FD")
        for port, bits in outputs.items():
            for bit in bits:
                if isinstance(bit, int) and bit not in self.fanin:
                    self.begin[bit] = f"{name}.{port}"
        owner = next((bit for bits in outputs.values() for bit in bits if isinstance(bit, int)), None)
        for port, bits in inputs.items():
            if "CLK" in port or (register and port == "C"):
                continue
            label = name, port
            if register and owner is not None:
                label = f"\0{owner}", "" if port == "D" else port
            for bit in bits:
                if isinstance(bit, int):
                    self.ends.setdefault(bit, []).append(label)

    @cached_property
    def _order(self) -> list[int]:
        """All nets that gates drive, each behind those it depends on. A loop of gates ends where it closes."""
        order: list[int] = []
        seen: set[int] = set()
        for root in self.fanin:
            stack = [] if root in seen else [(root, iter(self.fanin[root]))]
            seen.add(root)
            while stack:
                net, rest = stack[-1]
                following = next((a for a, _ in rest if a in self.fanin and a not in seen), None)
                if following is None:
                    order.append(net)
                    stack.pop()
                else:
                    seen.add(following)
                    stack.append((following, iter(self.fanin[following])))
        return order

    def _arrivals(self, begin: Mapping[int, int], order: Iterable[int]) -> dict[int, tuple[int, int]]:
        """For each net that is reached from the nets `begin`: the most eighths, and where that path begins."""
        found = {net: (eighths, net) for net, eighths in begin.items()}
        for net in order:
            reached = [(found[a][0] + eighths, found[a][1]) for a, eighths in self.fanin[net] if a in found]
            if reached:
                found[net] = max(*reached, found.get(net, reached[0]))
        return found

    def timing(self) -> ModuleTiming:
        leaving: dict[Point, tuple[int, str]] = {}
        inner: dict[str, tuple[int, str, str]] = {}
        registers = {net: 0 for net, owner in self.begin.items() if isinstance(owner, str)}
        for net, (eighths, start) in self._arrivals(registers, self._order).items():
            for end in self.ends.get(net, ()):
                if isinstance(end, Point):
                    if end not in leaving or eighths > leaving[end][0]:
                        leaving[end] = eighths, self._start(start)
                else:
                    name = self._end(end)
                    word = name.split("[")[0]
                    if word not in inner or eighths > inner[word][0]:
                        inner[word] = eighths, self._start(start), name
        arriving, through = self._from_border()
        longest = sorted(inner.values(), key=lambda path: -path[0])[:PATHS]
        return ModuleTiming(tuple(longest), arriving, leaving, through)

    def _from_border(self) -> tuple[dict[Point, tuple[int, str]], tuple[tuple[Point, Point, int], ...]]:
        place = {net: n for n, net in enumerate(self._order)}
        points: dict[Point, list[int]] = {}
        for net, owner in self.begin.items():
            if isinstance(owner, Point):
                points.setdefault(owner, []).append(net)
        arriving: dict[Point, tuple[int, str]] = {}
        through: list[tuple[Point, Point, int]] = []
        for point, nets in points.items():
            cone, stack = set(nets), list(nets)
            while stack:
                fresh = [n for n in self.fanout.get(stack.pop(), ()) if n not in cone]
                cone.update(fresh)
                stack += fresh
            order = sorted((n for n in cone if n in place), key=place.__getitem__)
            longest: dict[Point, int] = {}
            worst: tuple[int, tuple[str, str]] | None = None
            for net, (eighths, _) in self._arrivals(dict.fromkeys(nets, 0), order).items():
                for end in self.ends.get(net, ()):
                    if isinstance(end, Point):
                        longest[end] = max(longest.get(end, 0), eighths)
                    elif worst is None or eighths > worst[0]:
                        worst = eighths, end
            if worst is not None:
                arriving[point] = worst[0], self._end(worst[1])
            through += [(point, end, eighths) for end, eighths in longest.items()]
        return arriving, tuple(through)

    def _start(self, net: int) -> str:
        return self._names.get(net) or str(self.begin[net])

    def _end(self, end: tuple[str, str]) -> str:
        """A register by its name, and by its port if that is not D; other cells by name and port."""
        cell, port = end
        if cell.startswith("\0"):
            cell = self._names.get(int(cell[1:]), cell[1:])
        return f"{cell}.{port}" if port else cell


def _sides(cell: Mapping[str, Any]) -> tuple[dict[str, list[Bit]], dict[str, list[Bit]]]:
    """The nets of a cell's inputs and of its outputs, by port."""
    directions = cell["port_directions"]
    inputs = {port: bits for port, bits in cell["connections"].items() if directions[port] == "input"}
    return inputs, {port: bits for port, bits in cell["connections"].items() if directions[port] == "output"}


def _names(entries: Mapping[str, Any]) -> dict[int, str]:
    """The shortest name that the source gave each net."""
    found: dict[int, str] = {}
    for name, entry in sorted(entries.items(), key=lambda item: (-len(item[0]), item[0])):
        if not entry["hide_name"]:
            bits = entry["bits"]
            found.update({bit: f"{name}[{n}]" if len(bits) > 1 else name for n, bit in enumerate(bits)})
    return found
