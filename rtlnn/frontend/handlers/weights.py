"""Constant operands of layers."""

from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.tensors import Constant, QuantizedConstant
from rtlnn.ir.types import Array

__all__ = ["Known", "known", "real"]

Known = Constant | QuantizedConstant


def known(node: OnnxNode, i: int, what: str) -> Known:
    """Input `i`, which must be constant and finite."""
    node.finite(i, what)
    tensor = node.input(i)
    assert isinstance(tensor, (Constant, QuantizedConstant))
    return tensor


def real(tensor: Known) -> Array:
    """The numbers meant."""
    return tensor.real() if isinstance(tensor, QuantizedConstant) else tensor.array
