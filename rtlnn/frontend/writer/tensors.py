"""The ONNX graph in the making, and tensors in the layout that an ONNX operator wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from rtlnn.frontend.tensors import View, channels_first, row_major
from rtlnn.ir.graph import Graph
from rtlnn.ir.names import Names
from rtlnn.ir.types import Array

__all__ = ["OnnxGraph"]


@dataclass
class OnnxGraph:
    """Nodes and initializers. Every value of `graph` is a view of an ONNX tensor, as in the importer."""

    graph: Graph
    names: Names
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)

    def store(self, name: str, array: Array) -> str:
        """A constant tensor; returns its name."""
        name = self.names(name)
        self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def emit(self, operator: str, name: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """A node; returns the name of what it makes."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=name, **attributes))
        return output

    def arranged(self, view: View, operator: str, index: Array, **attributes: object) -> View:
        """The view behind one more node that moves elements."""
        name = self.names(f"{view.value}_{operator.lower()}")
        return View(self.emit(operator, name, [view.value], name, **attributes), index)

    def reshaped(self, view: View, index: Array, batched: bool = True) -> View:
        """The view as a tensor of the shape of `index`; the first dimension is the batch's where there is one."""
        name = self.names(f"{view.value}_reshaped")
        target = [-1, *index.shape[1:]] if batched else [*index.shape]
        shape = self.store(f"{name}.shape", np.array(target, dtype=np.int64))
        return View(self.emit("Reshape", name, [view.value, shape], name), index)

    def image(self, value: str) -> View:
        """The value as (N, C, H, W)."""
        view = self.views[value]
        height, width, channels = self.graph.types[value].shape
        wanted = channels_first((1, channels, height, width))
        if np.array_equal(view.index, wanted):
            return view
        rows = row_major((1, height, width, channels))
        if np.array_equal(view.index.ravel(), wanted.ravel()):
            return self.reshaped(view, wanted)
        if np.array_equal(view.index.ravel(), rows.ravel()):
            if view.shape != rows.shape:
                view = self.reshaped(view, rows)
            return self.arranged(view, "Transpose", wanted, perm=[0, 3, 1, 2])
        return self.gathered(view, wanted)

    def gathered(self, view: View, wanted: Array, batched: bool = True) -> View:
        """The view with its elements in whatever other order."""
        place = np.empty(view.index.size, dtype=np.int64)
        place[view.index.ravel()] = np.arange(view.index.size)
        flat = self.arranged(view, "Flatten", view.index.reshape(1, -1), axis=1) if len(view.shape) != 2 else view
        name = self.names(f"{view.value}_gathered")
        indices = self.store(f"{name}.places", place[wanted.ravel()])
        made = self.emit("Gather", name, [flat.value, indices], name, axis=1)
        return self.reshaped(View(made, wanted.reshape(1, -1)), wanted, batched)

    def vector(self, value: str) -> View:
        """The value as (N, K), in whatever order."""
        view = self.views[value]
        if len(view.shape) == 2:
            return view
        if len(view.shape) < 2:
            return self.reshaped(view, view.index.reshape(1, -1), batched=False)
        return self.arranged(view, "Flatten", view.index.reshape(1, -1), axis=1)

    def in_order(self, value: str, order: Array, batched: bool) -> View:
        """The value as a tensor of the shape of `order`, which says where its elements lie in the frame."""
        view = self.views[value]
        wanted = order[np.newaxis] if batched else order
        if np.array_equal(view.index, wanted):
            return view
        if not np.array_equal(view.index.ravel(), wanted.ravel()) and len(view.shape) == 4:
            view = self.arranged(view, "Transpose", view.index.transpose(0, 2, 3, 1), perm=[0, 2, 3, 1])
        if not np.array_equal(view.index.ravel(), wanted.ravel()):
            return self.gathered(view, wanted, batched)
        return self.reshaped(view, wanted, batched)
