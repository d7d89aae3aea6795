"""One file per family of operators; importing this package fills the table of handlers."""

from rtlnn.frontend.handlers import (
    arithmetic,
    comparison,
    linear,
    microsoft,
    pooling,
    qonnx,
    qoperator,
    quantization,
    shapes,
)

__all__ = ["arithmetic", "comparison", "linear", "microsoft", "pooling", "qonnx", "qoperator", "quantization", "shapes"]
