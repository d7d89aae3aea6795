"""Where activations are quantized."""

from dataclasses import dataclass

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ops import Affine, AveragePool2D, Clip, Conv2D, Dense, Dequantize, MaxPool2D, Reshape

__all__ = ["Point", "quantization_points"]

LAYERS = (Conv2D, Dense)
HARDWARE = (Conv2D, Dense, MaxPool2D, AveragePool2D)


@dataclass(frozen=True)
class Point:
    """A value that becomes integers.

    Parameters
    ----------
    value : its name
    unsigned : it is never negative: unsigned with zero point 0, else signed
    like : the value whose scale and zero point it shares (it only selects or reorders that value's elements)
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
    if isinstance(start.op, Clip):
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


def _never_negative(graph: Graph) -> set[str]:
    found: set[str] = set()
    for node in graph.nodes:
        keeps = isinstance(node.op, (MaxPool2D, AveragePool2D, Reshape)) and node.inputs[0] in found
        if keeps or (isinstance(node.op, Clip) and node.op.lo >= 0):
            found.add(node.output)
    return found


def quantization_points(graph: Graph) -> tuple[Point, ...]:
    """The values to quantize, in the graph's order.

    The first is what the first layer reads; then the end of every layer with its activation, and what pools and
    reshapes make of it. Raises `InputError` if there is no layer, or a layer behind what only the host can do.
    """
    positive = _never_negative(graph)
    points: dict[str, Point] = {}
    grouped: set[str] = set()
    for node in graph.nodes:
        if node.name in grouped:
            continue
        source = node.inputs[0]
        if source not in points:
            if not isinstance(node.op, HARDWARE):
                continue
            if points:
                raise InputError(
                    f"node {node.name!r} follows an operation that only the host can do; end the network before it"
                )
            points[source] = Point(source, source in positive)
        if isinstance(node.op, (MaxPool2D, Reshape)):
            points[node.output] = Point(node.output, points[source].unsigned, points[source].like or source)
        elif isinstance(node.op, (*HARDWARE, Affine, Clip)) and not isinstance(node.op, Dequantize):
            group = _group(graph, node)
            grouped |= {n.name for n in group}
            end = group[-1].output
            points[end] = Point(end, end in positive, layer=node.name)
    if not points:
        raise InputError("the model has no convolution, dense or pooling layer; there is nothing to build")
    return tuple(points.values())
