"""From a graph of real values with Quantize and Dequantize nodes to one of integers alone."""

from rtlnn.passes.lowering.lower import Lowered, lower
from rtlnn.passes.lowering.multipliers import MAX_SHIFT, Multipliers, multipliers

__all__ = ["MAX_SHIFT", "Lowered", "Multipliers", "lower", "multipliers"]
