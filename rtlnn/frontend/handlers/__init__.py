"""One file per family of operators; importing this package fills the table of handlers."""

from rtlnn.frontend.handlers import arithmetic, linear, microsoft, pooling, qoperator, quantization, shapes

__all__ = ["arithmetic", "linear", "microsoft", "pooling", "qoperator", "quantization", "shapes"]
