"""What will become of a model, node by node, before anything is built."""

from rtlnn.checking.check import check_model
from rtlnn.checking.result import Check, Fate, LayerSize, NodeFate

__all__ = ["Check", "Fate", "LayerSize", "NodeFate", "check_model"]
