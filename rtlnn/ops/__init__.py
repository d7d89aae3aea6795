"""What operations mean: one frozen dataclass each, the one source of truth for numbers."""

from rtlnn.ir.op import Op
from rtlnn.ops.activation import Activation, Function
from rtlnn.ops.conv import Conv2D, Dense
from rtlnn.ops.join import Add, Concat, Extreme, Multiply
from rtlnn.ops.pool import AveragePool2D, MaxPool2D
from rtlnn.ops.real import Affine, Clip, Dequantize, Quantize, Softmax
from rtlnn.ops.rearrange import Rearrange
from rtlnn.ops.requantize import Precision, Requantize
from rtlnn.ops.reshape import Reshape
from rtlnn.ops.rounding import Rounding
from rtlnn.ops.softmax import FixedSoftmax
from rtlnn.ops.table import ArgMax, Table
from rtlnn.ops.thresholds import Thresholds
from rtlnn.ops.window import Window

__all__ = [
    "OPERATIONS",
    "Activation",
    "Add",
    "Affine",
    "ArgMax",
    "AveragePool2D",
    "Clip",
    "Concat",
    "Conv2D",
    "Dense",
    "Dequantize",
    "Extreme",
    "FixedSoftmax",
    "Function",
    "MaxPool2D",
    "Multiply",
    "Op",
    "Precision",
    "Quantize",
    "Rearrange",
    "Requantize",
    "Reshape",
    "Rounding",
    "Softmax",
    "Table",
    "Thresholds",
    "Window",
]

OPERATIONS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Activation,
        Add,
        Affine,
        ArgMax,
        AveragePool2D,
        Clip,
        Concat,
        Conv2D,
        Dense,
        Dequantize,
        Extreme,
        FixedSoftmax,
        MaxPool2D,
        Multiply,
        Quantize,
        Rearrange,
        Requantize,
        Reshape,
        Softmax,
        Table,
        Thresholds,
    )
}
"""Every operation by its name, for graphs that are read back from a file."""
