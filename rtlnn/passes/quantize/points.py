"""Where activations are quantized."""

from dataclasses import dataclass, replace

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ops import (
    Activation,
    Add,
    Affine,
    AveragePool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    Extreme,
    Function,
    MaxPool2D,
    Multiply,
    Rearrange,
    Reshape,
)

__all__ = ["Point", "quantization_points"]

LAYERS = (Conv2D, Dense)
HARDWARE = (Conv2D, Dense, MaxPool2D, AveragePool2D, Add, Multiply, Extreme, Concat)


@dataclass(frozen=True)
class Point:
    """A value that becomes integers.

    Parameters
    ----------
    value : its name
    unsigned : it is never negative: unsigned with zero point 0, else signed
    like : the value whose scale, zero point and sign it shares: it only selects or reorders that value's elements, or
        is a part of it
    layer : the node whose result it is, arithmetic with constants and activation included; "" of what layers read first
    """

    value: str
    unsigned: bool
    like: str | None = None
    layer: str = ""


def _only_user(graph: Graph, value: str) -> Node | None:
    users = graph.users(value)
    return users[0] if len(users) == 1 and value not in graph.outputs else None


def _group(graph: Graph, start: Node) -> list[Node]:
    """`start` and what its requantization takes care of: arithmetic with constants, an activation, pools between them.

    Pools at the end work on the quantized values, which are a quarter as wide.
    """
    group = [start]
    if isinstance(start.op, (Clip, Activation)):
        return group
    while (node := _only_user(graph, group[-1].output)) is not None:
        pools = isinstance(node.op, MaxPool2D) and isinstance(start.op, LAYERS)
        if not (isinstance(node.op, (Affine, Clip)) or pools):
            break
        if pools and any(
            (graph.constants[v] < 0).any() for n in group if isinstance(n.op, Affine) for v in n.inputs[1:2]
        ):
            # a maximum of accumulators needs positive scales
            break
        group.append(node)
        if isinstance(node.op, Clip):
            break
    while isinstance(group[-1].op, MaxPool2D):
        group.pop()
    return group


_POSITIVE = (Function.ABS, Function.EXP, Function.HARD_SIGMOID, Function.SIGMOID, Function.SOFTPLUS)


def _never_negative(graph: Graph) -> set[str]:
    found: set[str] = set()
    for node in graph.nodes:
        known = all(v in found for v in _data(graph, node))
        match node.op:
            case Clip(lo):
                known = lo >= 0
            case Activation(function):
                known = function in _POSITIVE
            case Rearrange(fill=fill):
                known = known and fill >= 0
            case MaxPool2D() | AveragePool2D() | Reshape() | Add() | Multiply() | Extreme() | Concat():
                pass
            case _:
                continue
        if known:
            found.add(node.output)
    return found


def _data(graph: Graph, node: Node) -> tuple[str, ...]:
    return tuple(v for v in node.inputs if v not in graph.constants)


def _leads_on(graph: Graph) -> set[str]:
    """Values that something for the hardware follows from."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, HARDWARE) or node.output in found:
            found.update(node.inputs)
    return found


class _Search:
    """The walk over a graph that finds the points."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.positive = _never_negative(graph)
        self.leads_on = _leads_on(graph)
        self.points: dict[str, Point] = {}
        self.grouped: set[str] = set()
        # what the host can compute before the hardware starts
        self.ahead = set(graph.inputs)

    def run(self) -> tuple[Point, ...]:
        for node in self.graph.nodes:
            if isinstance(node.op, Dequantize):
                self.ahead.update((node.output,) if node.inputs[0] in self.ahead else ())
            elif node.name not in self.grouped:
                self._visit(node)
        return tuple(self.points.values())

    def _visit(self, node: Node) -> None:
        sources = _data(self.graph, node)
        if isinstance(node.op, HARDWARE):
            for source in sources:
                self._enter(node, source)
        elif any(v not in self.points for v in sources):
            if all(v in self.ahead for v in sources):
                self.ahead.add(node.output)
            return
        if isinstance(node.op, (MaxPool2D, Reshape, Rearrange)):
            (source,) = sources
            self.points[node.output] = Point(node.output, self.points[source].unsigned, source)
        elif isinstance(node.op, (Concat, Extreme)):
            self._join(node, sources)
        elif isinstance(node.op, (*HARDWARE, Affine, Clip)) or (
            isinstance(node.op, Activation) and node.output in self.leads_on
        ):
            group = _group(self.graph, node)
            self.grouped |= {n.name for n in group}
            end = group[-1].output
            self.points[end] = Point(end, end in self.positive, layer=node.name)

    def _enter(self, node: Node, source: str) -> None:
        """What a layer reads is a point, if the host can make it so."""
        if source in self.points:
            return
        if source not in self.ahead:
            raise InputError(
                f"node {node.name!r} follows an operation that only the host can do; end the network before it"
            )
        self.points[source] = Point(source, source in self.positive)

    def _join(self, node: Node, sources: tuple[str, ...]) -> None:
        """All parts get the format of the whole, so that they need not be brought to it."""
        self.points[node.output] = Point(node.output, node.output in self.positive, layer=node.name)
        for source in dict.fromkeys(sources):
            root = source
            while (like := self.points[root].like) is not None:
                root = like
            alone = isinstance(node.op, Concat) or _only_user(self.graph, source) is node
            if alone and root != node.output:
                self.points[root] = replace(self.points[root], like=node.output)


def quantization_points(graph: Graph) -> tuple[Point, ...]:
    """The values to quantize: what is like another may come before it.

    First what the first layers read; then the end of every layer with its activation, and what pools, reshapes,
    rearrangements and joins make of it. Raises `InputError` if there is no layer, or a layer behind what only the host
    can do.
    """
    points = _Search(graph).run()
    if not points:
        raise InputError("the model has no convolution, dense or pooling layer; there is nothing to build")
    return points
