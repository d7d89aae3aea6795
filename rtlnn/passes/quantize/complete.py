"""What a quantized model leaves as real numbers where the hardware needs integers.

Quantizers leave some values alone: the network's input (QKeras), what an activation function reads (onnxruntime's
static quantizer puts nothing between a convolution and a Tanh), the operands of a float sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.names import Names
from rtlnn.ir.refusal import NodesRefused
from rtlnn.ir.types import Array, FixedFormat
from rtlnn.ops import Dequantize, Quantize, Thresholds
from rtlnn.passes.elementwise import ELEMENTWISE, origins_of
from rtlnn.passes.lowering import lower
from rtlnn.passes.quantize.calibrate import calibrate
from rtlnn.passes.quantize.formats import activation_format
from rtlnn.passes.rewrite import infer_types
from rtlnn.passes.tabulate import tabulate

__all__ = ["completed"]

INPUT_BITS = 16
"""Of what enters: nobody said how few would do."""
FUNCTION_BITS = 12
"""Of what only functions read: their tables, of 8-bit results, then take a block RAM each."""
OTHER_BITS = 8


def completed(graph: Graph, frames: Sequence[Array]) -> tuple[Graph, tuple[str, ...]]:
    """`graph` with pairs of Quantize and Dequantize wherever lowering misses them, and the values quantized so.

    Ranges are those over the calibration `frames` (one array [N, H, W, C] for each input). A value that something else
    quantizes already stays real there. Raises `NodesRefused` where quantizing does not help.
    """
    found: dict[str, None] = {}
    whole = graph
    while (refused := _refused(graph)) is not None:
        new = _places(graph, (v for r in refused.refusals for v in r.unquantized))
        # a value that was quantized, or that only a pair made, would go on for ever
        if not all(r.unquantized for r in refused.refusals) or not new.keys() <= whole.types.keys() - found.keys():
            raise refused
        ranges = calibrate(whole, frames, new)
        graph = _quantized(graph, {v: _format(graph, v, ranges[v]) for v in new})
        found |= new
    return graph, tuple(found)


def _refused(graph: Graph) -> NodesRefused | None:
    """Why `graph` cannot be lowered."""
    try:
        lower(tabulate(graph))
    except NodesRefused as refused:
        return refused
    return None


def _places(graph: Graph, values: Iterable[str]) -> dict[str, None]:
    """Where to quantize: at both ends of what one table does.

    Of functions of one quantized value, element by element, that is their end; of functions of accumulators that join
    again, as those of a PRelu, where they part.
    """
    origins = origins_of(graph)
    ends: dict[str, None] = {}
    for value in values:
        if not origins[value]:
            ends[_fork(graph, value)] = None
            continue
        last, users = value, graph.users(value)
        while users and all(origins[n.output][:1] == origins[value][:1] for n in users):
            last = users[-1].output
            users = graph.users(last)
        ends[last] = None
    return ends


def _fork(graph: Graph, value: str) -> str:
    """The value that several functions read, `value` being one of them; else `value` itself."""
    source = value
    while (node := graph.producer(source)) is not None and isinstance(node.op, ELEMENTWISE):
        activations = [v for v in node.inputs if v not in graph.constants]
        if len(activations) != 1:
            break
        source = activations[0]
        readers = graph.users(source)
        if len(readers) > 1 and all(isinstance(n.op, ELEMENTWISE) for n in readers):
            return source
    return value


def _format(graph: Graph, value: str, ends: tuple[float, float]) -> FixedFormat:
    bits = OTHER_BITS
    if not _computed(graph, value):
        bits = INPUT_BITS
    elif all(isinstance(n.op, ELEMENTWISE) for n in graph.users(value)):
        bits = FUNCTION_BITS
    return activation_format(*ends, ends[0] >= 0, bits)


def _computed(graph: Graph, value: str) -> bool:
    """Whether `value` follows from quantized ones."""
    needed = {value}
    for node in reversed(graph.nodes):
        if node.output in needed:
            if isinstance(node.op, Dequantize):
                return True
            needed.update(v for v in node.inputs if v not in graph.constants)
    return False


def _quantized(graph: Graph, formats: Mapping[str, FixedFormat]) -> Graph:
    """With a pair behind each value of `formats`, for all that does not quantize it itself."""
    names, node_names = Names(graph.types), Names(n.name for n in graph.nodes)
    real: dict[str, str] = {}
    nodes: list[Node] = []

    def pair(value: str) -> None:
        fixed = formats[value]
        codes, real[value] = names(f"{value}_quantized"), names(f"{value}_dequantized")
        nodes.append(Node(node_names(f"{value}_QuantizeLinear"), Quantize(fixed), (value,), codes))
        nodes.append(Node(node_names(f"{value}_DequantizeLinear"), Dequantize(fixed), (codes,), real[value]))

    for value in graph.inputs:
        if value in formats:
            pair(value)
    for node in graph.nodes:
        own = isinstance(node.op, (Quantize, Thresholds))
        nodes.append(node if own else replace(node, inputs=tuple(real.get(v, v) for v in node.inputs)))
        if node.output in formats:
            pair(node.output)
    return infer_types(replace(graph, nodes=tuple(nodes)))
