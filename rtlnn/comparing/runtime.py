"""onnxruntime, in the mode whose integer kernels the numeric contract names.

`session.qdqisint8allowed=1` keeps int8 activations int8, with all optimizations; `session.x64quantprecision=1` keeps
products of uint8 and int8 from saturating on processors without VNNI (and leaves products of int8 and int8 without a
kernel in places, so that it is set only where there is uint8). Scale and zero point must not be shared between
QuantizeLinear and DequantizeLinear nodes: such nodes are not fused with their layer. More outputs do not disturb the
fusions where they are results of quantized operators (measured: QLinearConv, QLinearAdd, QLinearAveragePool and QGemm
remain, only transpositions of layout come in); outputs inside a fused group would.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.ir.types import Array

__all__ = ["Runtime", "with_outputs"]

INT8_ALLOWED = "session.qdqisint8allowed"
WIDE_PRODUCTS = "session.x64quantprecision"
NEWEST_IR = 10
"""Of the files that are handed over: every onnxruntime since 1.18 reads it."""

_FLOAT = ("Conv", "FusedConv", "NhwcFusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul")
_PAIR = ("QuantizeLinear", "DequantizeLinear")


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("this needs onnxruntime: pip install 'rtlnn[compare]'") from error
    return onnxruntime


def _unshared(model: onnx.ModelProto) -> None:
    """Give every QuantizeLinear and DequantizeLinear a scale and a zero point of its own."""
    stored = {t.name: t for t in model.graph.initializer}
    seen: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if node.op_type not in _PAIR:
            continue
        for place, name in enumerate(node.input):
            if place == 0 or name not in stored:
                continue
            if name in seen:
                copy = onnx.TensorProto()
                copy.CopyFrom(stored[name])
                copy.name = f"{name}.of_node_{number}"
                model.graph.initializer.append(copy)
                node.input[place] = copy.name
            seen.add(name)


def with_outputs(model: onnx.ModelProto, tensors: Sequence[str]) -> onnx.ModelProto:
    """A copy of `model`, ready for fusion, that delivers `tensors`, too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = min(copy.ir_version, NEWEST_IR)
    _unshared(copy)
    known = {o.name for o in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=t) for t in tensors if t not in known)
    return copy


class Runtime:
    """A session of onnxruntime, single-threaded on the CPU.

    Parameters
    ----------
    unsigned : whether activations of uint8 may meet weights of int8
    optimized : with its own integer kernels, or operator by operator as the model's nodes say

    `mode` says which options were set, `in_float` names the layers that were not fused to integer kernels.
    Raises `InputError` where onnxruntime is not installed, or cannot run the model.
    """

    def __init__(self, model: onnx.ModelProto, name: str, unsigned: bool, optimized: bool = True) -> None:
        self._ort = _onnxruntime()
        self._name = name
        self._optimized = optimized
        data = model.SerializeToString()
        with tempfile.TemporaryDirectory() as folder:
            self._trace = Path(folder) / "fused.onnx"
            self._start(data, unsigned)
            self.in_float = _float_layers(self._trace) if self._trace.is_file() else ()

    def _start(self, data: bytes, unsigned: bool) -> None:
        name = self._name
        try:
            self._session = self._load(data, unsigned)
        except Exception as error:  # its classes are not public
            if not unsigned:
                raise InputError(f"onnxruntime cannot load {name}: {_first_line(error)}") from error
            try:
                self._session = self._load(data, False)
            except Exception as second:
                raise InputError(f"onnxruntime cannot load {name}: {_first_line(second)}") from second

    def _load(self, data: bytes, unsigned: bool) -> Any:
        options = self._ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        levels = self._ort.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if self._optimized else levels.ORT_DISABLE_ALL
        entries = [INT8_ALLOWED, *([WIDE_PRODUCTS] if unsigned else [])]
        for entry in entries:
            options.add_session_config_entry(entry, "1")
        if self._optimized:
            options.optimized_model_filepath = str(self._trace)
        self.mode = ", ".join(f"{entry}=1" for entry in entries) if self._optimized else "without optimizations"
        return self._ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    @property
    def version(self) -> str:
        return str(self._ort.__version__)

    def run(self, feeds: Mapping[str, Array], wanted: Sequence[str]) -> dict[str, Array]:
        """The tensors `wanted` for inputs with their batch dimension; numbers take the input's type."""
        kinds = {port.name: port.type for port in self._session.get_inputs()}
        cast = {name: np.ascontiguousarray(x, dtype=_dtype(kinds[name])) for name, x in feeds.items()}
        try:
            results = self._session.run(list(wanted), cast)
        except Exception as error:
            raise InputError(f"onnxruntime cannot run {self._name}: {_first_line(error)}") from error
        return dict(zip(wanted, results, strict=True))


def _float_layers(path: Path) -> tuple[str, ...]:
    """The convolutions and products that an optimized model computes in float, all others being fused."""
    model = onnx.load(str(path), load_external_data=False)
    return tuple(n.name for n in model.graph.node if n.op_type in _FLOAT)


def _dtype(kind: str) -> str:
    """NumPy's name for onnxruntime's name of a tensor type."""
    plain = kind.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(plain, plain)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
