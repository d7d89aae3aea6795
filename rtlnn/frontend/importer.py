"""ONNX to a graph of real (and, in quantized models, integer) values."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import onnx

from rtlnn.errors import InputError
from rtlnn.extensions import load_extensions
from rtlnn.frontend import handlers
from rtlnn.frontend.advice import advice_for
from rtlnn.frontend.builder import GraphBuilder
from rtlnn.frontend.constants import fold
from rtlnn.frontend.context import Context
from rtlnn.frontend.loader import damage_reported, load_model
from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.ports import DeclaredInput, Layout, declared_inputs, declared_outputs, output_port
from rtlnn.frontend.problems import Problems, Unsupported
from rtlnn.frontend.registry import HANDLERS, Result, definition
from rtlnn.frontend.shapes import inferred_shapes
from rtlnn.frontend.tensors import Constant, Opaque, QuantizedConstant, Tensor, View, channels_first, row_major
from rtlnn.frontend.wiring import MOST_ELEMENTS, check_attributes, check_sizes
from rtlnn.ir.graph import Graph
from rtlnn.ir.network import ModelPort, only_port
from rtlnn.ir.types import Array, TensorType
from rtlnn.ops import Conv2D, Dense, Dequantize, Quantize, Thresholds

__all__ = ["ImportedModel", "import_model"]

assert handlers  # importing them fills the table

# their result does not tell quantized constants from real ones, or they accept all kinds of constants themselves
_OWN_FOLDING = {
    "QuantizeLinear", "DequantizeLinear", "Identity", "Dropout", "Transpose", "Flatten", "Reshape", "Squeeze",
    "Unsqueeze", "Shape",
}  # fmt: skip

MOST_MIXED = 3
"""So many inputs may have layouts of their own."""


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """A model as a graph, values named like the model's tensors.

    Parameters
    ----------
    name : of the model
    graph : its computation, float or with Quantize and Dequantize nodes
    inputs, outputs : as the model declares them, in the order of the graph's
    tensors : for every ONNX tensor computed from the inputs: the graph's value, and each element's place in it
    batch : the model's batch size, or the name of a dynamic one
    """

    name: str
    graph: Graph
    inputs: tuple[ModelPort, ...]
    outputs: tuple[ModelPort, ...]
    tensors: Mapping[str, tuple[str, Array]]
    batch: int | str

    @property
    def input(self) -> ModelPort:
        """The only input. Raises `InputError` if there are several."""
        return only_port(self.inputs, "inputs", self.name)

    @property
    def output(self) -> ModelPort:
        """The only output. Raises `InputError` if there are several."""
        return only_port(self.outputs, "outputs", self.name)

    @property
    def quantized(self) -> bool:
        """Whether activations are quantized (quantized weights alone still need calibration)."""
        known = self.graph.constants
        real = {n.output for n in self.graph.nodes if isinstance(n.op, Dequantize) and n.inputs[0] in known}
        layers = [n for n in self.graph.nodes if isinstance(n.op, (Conv2D, Dense))]
        return any(isinstance(n.op, (Quantize, Thresholds)) for n in self.graph.nodes) or (
            # integers may also come in from outside, straight to quantized layers
            all(self.graph.types[v].format is not None for v in self.graph.inputs)
            and all(n.inputs[1] in real for n in layers)
        )


class _Walk:
    """One attempt to import the nodes, with one layout of each input."""

    def __init__(self, model: onnx.ModelProto, sources: Sequence[DeclaredInput], layouts: Sequence[Layout]) -> None:
        self.model = model
        self.problems = Problems()
        self.opsets = {
            o.domain.replace("ai.onnx", "") if o.domain == "ai.onnx" else o.domain: o.version
            for o in model.opset_import
        }
        uses = Counter(i for n in model.graph.node for i in n.input)
        uses.update(o.name for o in model.graph.output)
        batches = [s.batch for s in sources if isinstance(s.batch, int)]
        self.context = Context(GraphBuilder(), uses, max(batches, default=1))
        tensors = self.context.tensors
        for stored in model.graph.initializer:
            tensors[stored.name] = Constant(stored.name, onnx.numpy_helper.to_array(stored))
        self.inputs: tuple[View, ...] = ()
        for source, layout in zip(sources, layouts, strict=True):
            view = View(self.context.builder.add_input(source.name, source.frame(layout)), layout(source.shape))
            self.inputs = (*self.inputs, view)
            tensors[source.name] = view
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._sources = sources
        for i, node in enumerate(model.graph.node):
            self._import(node, i)

    @property
    def cost(self) -> tuple[int, int]:
        """Nodes that cannot be used, and rearrangements of data: fewer are better."""
        return len(self.problems.refusals), self.context.layout.made

    def _import(self, proto: onnx.NodeProto, i: int) -> None:
        name = self.context.builder.node_name(proto.name or f"{proto.op_type}_{i}")
        inputs = tuple(self.context.tensors.get(n, Opaque()) if n else None for n in proto.input)
        try:
            result = self._result(proto, name, inputs)
            results = result if isinstance(result, tuple) else (result,)
            if used := [o for o in proto.output[len(results) :] if o and self.context.uses[o]]:
                raise Unsupported(f"its further output {used[0]!r} is used", "only the first output is supported")
        except Unsupported as problem:
            self.problems.add(name, proto.op_type, problem)
            results = tuple(self._stand_in(o) for o in proto.output)
        for output, tensor in zip(proto.output, results, strict=False):
            self.context.tensors[output] = tensor

    def _result(self, proto: onnx.NodeProto, name: str, inputs: tuple[Tensor | None, ...]) -> Result:
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        opset = self.opsets.get(domain, 0)
        given = [t for t in inputs if t is not None]
        check_sizes(proto.op_type, inputs)
        if (
            proto.op_type not in _OWN_FOLDING
            and not domain
            and all(isinstance(t, (Constant, QuantizedConstant)) for t in given)
        ):
            return fold(proto, inputs, opset)
        since = definition(domain, proto.op_type, opset)
        handler = HANDLERS.get((domain, proto.op_type, since))
        if handler is None:
            newer = any(k[:2] == (domain, proto.op_type) for k in HANDLERS)
            raise advice_for(proto, opset if newer else 0)
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        node = OnnxNode(name, proto.op_type, since, attributes, inputs, proto.output[0], tuple(proto.output))
        if any(isinstance(t, Opaque) for t in inputs):
            # what makes its input is reported already; its own attributes cannot be judged without a shape
            return tuple(Opaque() for _ in proto.output)
        check_attributes(attributes)
        try:
            return handler(self.context, node)
        except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
            raise Unsupported(f"it cannot be right ({error})", "check the model with onnx.checker") from error

    def _stand_in(self, output: str) -> Tensor:
        """A value of the right shape in place of what could not be imported, so that what follows can be checked."""
        if self._shapes is None:
            self._shapes = inferred_shapes(self.model, self._sources)
        shape = self._shapes.get(output)
        if not output or shape is None or shape[0] != 1 or math.prod(shape) > MOST_ELEMENTS:
            return Opaque()
        builder = self.context.builder
        image = len(shape) in (3, 4)
        index = channels_first(shape) if image else row_major(shape)
        hwc = ((1, *shape[2:])[-2], shape[-1], shape[1]) if image else (1, 1, index.size)
        return View(builder.add_input(f"{output}.unknown", TensorType(hwc)), index, tainted=True)


def import_model(
    source: Path | str | onnx.ModelProto, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> ImportedModel:
    """Read a model: float, or quantized with QuantizeLinear and DequantizeLinear.

    Parameters
    ----------
    source : path of an ONNX file, or the model itself
    input_shapes : shapes for inputs with unknown dimensions, batch dimension included

    Raises `InputError` with every node that cannot be used, or with what is wrong with the file.
    """
    load_extensions()
    model, name = load_model(source)
    with damage_reported(model, name):
        return _imported(model, name, input_shapes)


def _imported(model: onnx.ModelProto, name: str, input_shapes: Mapping[str, tuple[int, ...]] | None) -> ImportedModel:
    sources = declared_inputs(model, name, input_shapes)
    results = declared_outputs(model, name)
    best: _Walk | None = None
    for layouts in _layouts(sources):
        walk = _Walk(model, sources, layouts)
        if best is None or walk.cost < best.cost:
            best = walk
        if not any(walk.cost):
            break
    assert best is not None
    inputs = tuple(view.value for view in best.inputs)
    best.problems.raise_if_any(name, best.context.builder.unfinished(inputs))
    views = [_output(best, result.name, name) for result in results]
    graph = best.context.builder.graph(inputs, tuple(view.value for view in views))
    graph.verify()
    tensors = {n: (t.value, t.index) for n, t in best.context.tensors.items() if isinstance(t, View)}
    return ImportedModel(
        name,
        graph,
        tuple(source.port(view.index) for source, view in zip(sources, best.inputs, strict=True)),
        tuple(output_port(result, view, sources[0].batch) for result, view in zip(results, views, strict=True)),
        tensors,
        sources[0].batch,
    )


def _layouts(sources: tuple[DeclaredInput, ...]) -> tuple[tuple[Layout, ...], ...]:
    """The layouts to try, of all inputs: every combination of few inputs, and the same for all of many."""
    choices = [source.layouts for source in sources]
    if sum(len(c) > 1 for c in choices) <= MOST_MIXED:
        return tuple(product(*choices))
    return tuple(c[0] for c in choices), tuple(c[-1] for c in choices)


def _output(walk: _Walk, output: str, name: str) -> View:
    tensor = walk.context.tensors.get(output)
    if not isinstance(tensor, View):
        raise InputError(f"the output {output!r} of {name} does not depend on its input; export the model again")
    return walk.context.layout.settled(tensor)
