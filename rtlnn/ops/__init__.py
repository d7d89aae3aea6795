"""What operations mean: one frozen dataclass each, the one source of truth for numbers."""

from rtlnn.ir.op import Op
from rtlnn.ops.conv import Conv2D, Dense
from rtlnn.ops.pool import AveragePool2D, MaxPool2D
from rtlnn.ops.real import Affine, Clip, Dequantize, Quantize, Sigmoid, Softmax
from rtlnn.ops.requantize import Precision, Requantize
from rtlnn.ops.reshape import Reshape
from rtlnn.ops.window import Window

__all__ = [
    "OPERATIONS",
    "Affine",
    "AveragePool2D",
    "Clip",
    "Conv2D",
    "Dense",
    "Dequantize",
    "MaxPool2D",
    "Op",
    "Precision",
    "Quantize",
    "Requantize",
    "Reshape",
    "Sigmoid",
    "Softmax",
    "Window",
]

OPERATIONS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Affine,
        AveragePool2D,
        Clip,
        Conv2D,
        Dense,
        Dequantize,
        MaxPool2D,
        Quantize,
        Requantize,
        Reshape,
        Sigmoid,
        Softmax,
    )
}
"""Every operation by its name, for graphs that are read back from a file."""
