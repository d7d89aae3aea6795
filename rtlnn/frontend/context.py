"""What handlers do to the graph: values in the layout an operation needs, weights, arithmetic with constants."""

from dataclasses import dataclass, field, replace

import numpy as np

from rtlnn.frontend.builder import GraphBuilder
from rtlnn.frontend.layout import Arranger
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.tensors import QuantizedConstant, Tensor, View
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array
from rtlnn.ops import Affine, Conv2D, Dense

__all__ = ["Context"]


@dataclass
class Context:
    """The state of an import.

    Parameters
    ----------
    builder : the graph so far
    uses : how often each ONNX tensor is read (the model's output counts as one)
    batch : the fixed batch size that the model was exported with; frames are imported one by one
    tensors : every ONNX tensor so far
    """

    builder: GraphBuilder
    uses: dict[str, int]
    batch: int = 1
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Arranger(self.builder)

    def is_integer(self, view: View) -> bool:
        return self.builder.types[view.value].format is not None

    def real_view(self, node: OnnxNode, i: int = 0) -> View:
        """Input `i`, computed from the data, as real numbers."""
        view = node.view(i)
        if self.is_integer(view):
            raise Unsupported("it works on raw integers", "put DequantizeLinear before it")
        return self.layout.settled(view)

    def image(self, view: View) -> str:
        """The value behind an ONNX tensor (1, C, L) or (1, C, H, W), as (height, width, channels)."""
        if len(view.shape) not in (3, 4) or view.shape[0] != 1:
            raise Unsupported(f"its input has the shape {view.shape}", "(N, C, H, W) and (N, C, L) are supported")
        spatial = (1, *view.shape[2:])[-2:]
        places = np.moveaxis(view.index, 1, -1).reshape(*spatial, view.shape[1])
        return self.layout.arranged(view, places)

    def pixels(self, view: View) -> str:
        """The value behind an ONNX tensor (..., C), as (1 or height, width, channels); (1, 1, C) for a vector.

        Only an image needs its elements in that order: of a vector, which is whole, the caller permutes the weights by
        `view.index`.
        """
        channels = view.shape[-1]
        size = int(np.prod(view.shape[:-1], dtype=np.int64))
        if size == 1:
            return self.builder.reshaped(view.value, (1, 1, channels))
        width = view.shape[-2]
        return self.layout.arranged(view, view.index.reshape(size // width, width, channels))

    def add(self, node: OnnxNode, op: Op, *inputs: str) -> str:
        """Append `op` under the node's name; returns its value, which is named like the node's output."""
        return self.builder.add(node.name, op, inputs, node.output)

    def weights(self, node: OnnxNode, tensor: Tensor, array: Array) -> str:
        """The weights `array` (output channels first) of `node`; a `QuantizedConstant` keeps its integers.

        For a quantized constant `array` is unused: `tensor` has been moved to that shape already.
        """
        name = f"{node.name}.weight"
        if not isinstance(tensor, QuantizedConstant):
            return self.builder.add_constant(name, array)
        scale = tensor.scale.reshape(len(tensor.scale), -1)
        if not (scale == scale[:, :1]).all():
            raise Unsupported(
                "its weights have several scales within one output channel",
                "quantize them per tensor or per output channel",
            )
        integers = tensor.integers.astype(np.int64) - tensor.zero
        shifted = bool(tensor.zero.any())
        return self.builder.add_quantized(
            name, integers, tensor.bits + shifted, tensor.signed or shifted, scale[:, 0].astype(np.float64)
        )

    def bias(self, node: OnnxNode, tensor: Tensor, array: Array) -> str:
        """A bias (O,); like `weights`."""
        if isinstance(tensor, QuantizedConstant) and not tensor.zero.any():
            return self.builder.add_quantized(
                f"{node.name}.bias", tensor.integers, tensor.bits, tensor.signed, tensor.scale.astype(np.float64)
            )
        return self.builder.add_constant(f"{node.name}.bias", array)

    def scattered(self, view: View, array: Array) -> Array:
        """`array`, broadcast to the view's shape, in the order of the value: (H, W, C).

        Raises `Unsupported` if broadcasting would enlarge the data.
        """
        try:
            full = np.broadcast_to(array, view.shape)
        except ValueError as error:
            raise Unsupported(
                f"a constant of shape {array.shape} meets data of shape {view.shape}",
                "give it the data's shape, or one that broadcasts to it",
            ) from error
        placed = np.empty(full.size, dtype=full.dtype)
        placed[view.index.ravel()] = full.ravel()
        return placed.reshape(self.builder.types[view.value].shape)

    def per_channel(self, view: View, *arrays: Array) -> tuple[str, list[Array]]:
        """The value behind `view`, and arrays that broadcast to it as one number for each of its channels."""
        value = view.value
        placed = [self.scattered(view, np.asarray(a, dtype=np.float64)) for a in arrays]
        if any((a != a[:1, :1]).any() for a in placed):
            # one number for each element: every element becomes a channel
            value = self.builder.reshaped(value, (1, 1, placed[0].size))
            placed = [a.reshape(1, 1, -1) for a in placed]
        return value, [a[0, 0] for a in placed]

    def affine(self, node: OnnxNode, view: View, scale: Array, shift: Array) -> View:
        """view·scale + shift."""
        value, pair = self.per_channel(view, scale, shift)
        names = [
            self.builder.add_constant(f"{node.name}.{what}", a)
            for what, a in zip(("scale", "shift"), pair, strict=True)
        ]
        return View(self.add(node, Affine(), value, *names), view.index, view.tainted)

    def bias_into_producer(self, node: OnnxNode, view: View, tensor: Tensor, array: Array) -> View | None:
        """`view` + `tensor` as the bias of the layer that makes `view`; None if there is no such layer.

        MatMul and Add are one dense layer: only so does an integer bias stay an integer.
        """
        producer = next((n for n in self.builder.nodes if n.output == view.value), None)
        if producer is None or not isinstance(producer.op, (Conv2D, Dense)) or len(producer.inputs) != 2:
            return None
        if any(self.uses[n] != 1 for n, t in self.tensors.items() if isinstance(t, View) and t.value == view.value):
            return None
        if any(view.value in n.inputs for n in self.builder.nodes):
            return None
        placed = self.scattered(view, array)
        if (placed != placed[:1, :1]).any():
            return None
        owner = replace(node, name=producer.name)
        if isinstance(tensor, QuantizedConstant):
            parts = [self.scattered(view, a) for a in (tensor.integers, tensor.scale, tensor.zero)]
            if any((a != a[:1, :1]).any() for a in parts):
                return None
            integers, scale, zero = (a[0, 0] for a in parts)
            tensor = QuantizedConstant(tensor.name, integers, scale, zero, tensor.bits, tensor.signed)
        bias = self.bias(owner, tensor, placed[0, 0])
        self.builder.replace_last_op(view.value, producer.op, (*producer.inputs, bias))
        return view
