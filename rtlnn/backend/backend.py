"""The interface of `onnx.backend.base`."""

import unittest
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend as OnnxBackend
from onnx.backend.base import BackendRep

from rtlnn.backend.binding import Binding, bindings
from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.ir.network import ModelPort
from rtlnn.ir.types import Array, TensorType
from rtlnn.load import network_of
from rtlnn.sim.reference import Reference

__all__ = ["Backend", "Evaluation", "Prepared", "Refused"]

OPSET = 17


class Evaluation(Enum):
    """What computed a result."""

    INTEGER = "integer network"
    """As the hardware, bit for bit."""
    REAL = "real graph"
    """In float64, before quantization: the meaning of the model's operators, not of hardware."""


class Refused(InputError, unittest.SkipTest):
    """A model that cannot be built; the official test runner counts it as skipped."""


class Prepared(BackendRep):
    """A model that is ready to run.

    `evaluation` and `binding` tell, after a run, what computed its result, and which inputs were data.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self.evaluation: Evaluation | None = None
        self.binding: Binding | None = None

    def run(self, inputs: Any, **_: Any) -> tuple[Array, ...]:
        """The outputs for `inputs`, one array for each of the model's inputs in order (or one array alone).

        Weights, shapes and the like that come as inputs are taken as constants, because hardware is made for given
        ones. Raises `Refused` for what cannot be built.
        """
        arrays = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        refusal: InputError | None = None
        for binding in bindings(self._model, arrays):
            try:
                results = self._run(binding)
            except InputError as error:
                refusal = error
            else:
                self.binding = binding
                return results
        raise Refused(str(refusal)) from refusal

    def _run(self, binding: Binding) -> tuple[Array, ...]:
        imported = import_model(binding.model)
        if imported.quantized:
            try:
                network = network_of(imported)
            except InputError:
                # operators that only move integers have no layer
                pass
            else:
                self.evaluation = Evaluation.INTEGER
                made = Reference(network).named(*binding.data)
                return _unbatched(network.outputs, list(made.values()))
        self.evaluation = Evaluation.REAL
        return _evaluated(imported, binding.data)


def _evaluated(imported: ImportedModel, data: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs of the graph as it was imported."""
    graph = imported.graph
    kinds = (graph.types[v] for v in graph.inputs)
    frames = [_frames(port, kind, x) for port, kind, x in zip(imported.inputs, kinds, data, strict=True)]
    made = graph.evaluate(*frames)
    return _unbatched(
        imported.outputs, [port.own(made[v]) for port, v in zip(imported.outputs, graph.outputs, strict=True)]
    )


def _unbatched(ports: Sequence[ModelPort], results: Sequence[Array]) -> tuple[Array, ...]:
    """Without a batch dimension where the model has none."""
    return tuple(y if port.batch_axis else y[0] for port, y in zip(ports, results, strict=True))


def _frames(port: ModelPort, kind: TensorType, x: Array) -> Array:
    """As `ModelPort.frames`, with infinite numbers, which operators define results for."""
    frames = np.empty((x.size // kind.size, kind.size), dtype=np.float64 if kind.format is None else np.int64)
    frames[:, port.order.ravel()] = x.reshape(-1, kind.size)
    return frames.reshape(-1, *kind.shape)


class Backend(OnnxBackend):
    """See the package."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **_: Any) -> bool:
        """Whether every node of `model` can be imported as it stands."""
        try:
            import_model(model)
        except InputError:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **_: Any) -> Prepared:
        """The model, checked. What cannot be built is refused when it runs: only then are all inputs known."""
        if not cls.supports_device(device):
            raise Refused(f"the device {device} is not supported; use CPU")
        onnx.checker.check_model(model)
        return Prepared(model)

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **_: Any) -> tuple[Array, ...]:
        return cls.prepare(model, device).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **options: Any,
    ) -> tuple[Array, ...]:
        """One node as a model of its own; its first input is data."""
        arrays = [np.asarray(a) for a in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
        make, kind = onnx.helper.make_tensor_value_info, onnx.helper.np_dtype_to_tensor_dtype
        ports = [make(n, kind(a.dtype), a.shape) for n, a in zip(filter(None, node.input), arrays, strict=True)]
        kinds: list[tuple[int, Any]] = [(kind(np.dtype(t)), s) for t, s in outputs_info or ()]
        kinds += [(ports[0].type.tensor_type.elem_type, None)] * (len(node.output) - len(kinds))
        results = [make(n, t, s) for n, (t, s) in zip(node.output, kinds, strict=True)]
        graph = onnx.helper.make_graph([node], node.op_type, ports, results)
        opsets = [onnx.helper.make_opsetid(node.domain, options.get("opset_version", OPSET if not node.domain else 1))]
        if node.domain:
            opsets.append(onnx.helper.make_opsetid("", OPSET))
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return Prepared(model).run(arrays) if cls.supports_device(device) else cls.prepare(model, device).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"
