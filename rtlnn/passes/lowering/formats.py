"""How a real value will be quantized."""

from rtlnn.ir.graph import Graph
from rtlnn.ops import Add, Clip, Concat, Extreme, MaxPool2D, Quantize, Rearrange, Reshape

__all__ = ["quantize_behind"]

_KEEPING = (Add, Clip, Concat, Extreme, MaxPool2D, Rearrange, Reshape)
"""What leaves numbers as they are, or limits, selects, orders and adds them."""


def quantize_behind(graph: Graph, value: str) -> Quantize | None:
    """The next quantization behind `value`; None if other operations come first."""
    reached = [value]
    for source in reached:
        for node in graph.users(source):
            if isinstance(node.op, Quantize):
                return node.op
            if isinstance(node.op, _KEEPING) and node.output not in reached:
                reached.append(node.output)
    return None
