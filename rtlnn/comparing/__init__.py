"""The integer network beside onnxruntime, layer by layer and end to end."""

from rtlnn.comparing.result import Comparison, Difference, LayerComparison
from rtlnn.comparing.side_by_side import compare

__all__ = ["Comparison", "Difference", "LayerComparison", "compare"]
