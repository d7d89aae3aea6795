"""One file per family of operators; importing this package fills the table of handlers."""

from rtlnn.frontend.handlers import (
    activations,
    arithmetic,
    comparison,
    convolution,
    joining,
    linear,
    microsoft,
    movement,
    pooling,
    qonnx,
    qoperator,
    quantization,
    selection,
    shapes,
)

__all__ = [
    "activations",
    "arithmetic",
    "comparison",
    "convolution",
    "joining",
    "linear",
    "microsoft",
    "movement",
    "pooling",
    "qonnx",
    "qoperator",
    "quantization",
    "selection",
    "shapes",
]
