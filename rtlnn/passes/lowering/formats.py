"""How a real value will be quantized."""

from rtlnn.ir.graph import Graph
from rtlnn.ops import Add, Clip, Concat, Extreme, MaxPool2D, Quantize, Rearrange, Reshape

__all__ = ["quantize_behind"]

_SELECTING = (Clip, Concat, Extreme, MaxPool2D, Rearrange, Reshape)
"""What leaves numbers as they are, or limits, selects and orders them."""

_KEEPING = (*_SELECTING, Add)


def quantize_behind(graph: Graph, value: str, *, sums: bool = True) -> Quantize | None:
    """The next quantization behind `value`, of other numbers if there are `sums` between; None if other operations
    come first."""
    reached = [value]
    for source in reached:
        for node in graph.users(source):
            if isinstance(node.op, Quantize):
                return node.op
            if isinstance(node.op, _KEEPING if sums else _SELECTING) and node.output not in reached:
                reached.append(node.output)
    return None
