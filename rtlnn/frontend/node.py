"""An ONNX node as handlers see it: attributes as Python values, inputs as tensors of the import."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.tensors import Constant, QuantizedConstant, Tensor, View
from rtlnn.ir.types import Array

__all__ = ["OnnxNode"]


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One node, read.

    Parameters
    ----------
    name : unique; the model's, or operator_index where the model has none
    operator : ONNX operator type
    since : version of the operator's definition (the opset that last changed it)
    attributes : as Python values
    inputs : None where an optional input is left out
    output : the model's name of the first output
    outputs : of all of them; empty names are not wanted
    """

    name: str
    operator: str
    since: int
    attributes: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    output: str
    outputs: tuple[str, ...] = ()

    def integer(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))

    def real(self, name: str, default: float) -> float:
        return float(self.attributes.get(name, default))

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def integers(self, name: str) -> tuple[int, ...] | None:
        value = self.attributes.get(name)
        return None if value is None else tuple(int(v) for v in value)

    def has(self, i: int) -> bool:
        """Whether input `i` is given."""
        return i < len(self.inputs) and self.inputs[i] is not None

    def input(self, i: int) -> Tensor:
        tensor = self.inputs[i] if i < len(self.inputs) else None
        if tensor is None:
            raise Unsupported(f"its input {i} is missing", "check the model with onnx.checker")
        return tensor

    def view(self, i: int = 0) -> View:
        """Input `i`, which must be computed."""
        tensor = self.input(i)
        if not isinstance(tensor, View):
            raise Unsupported(f"its input {i} is a constant where data is expected", "fold constants before exporting")
        return tensor

    def constant(self, i: int, what: str) -> Array:
        """The numbers of input `i`, which must be known."""
        tensor = self.input(i)
        if isinstance(tensor, Constant):
            return tensor.array
        if isinstance(tensor, QuantizedConstant):
            return tensor.real()
        raise Unsupported(
            f"its {what} is computed from the data", "only constants can be used there; export the model with them"
        )

    def finite(self, i: int, what: str) -> Array:
        """Like `constant`, as float64, without NaN and infinity."""
        array = np.asarray(self.constant(i, what), dtype=np.float64)
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            name = getattr(self.input(i), "name", "")
            raise Unsupported(
                f"its {what} {name!r} holds {len(bad)} values that are NaN or infinite, the first at {bad[0].tolist()}",
                "train or export the model again",
            )
        return array
