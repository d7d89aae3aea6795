"""A small trained-looking network, and everything that can be wrong with a model's file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, external_data_helper

from tests.onnx_models import Model

__all__ = ["BAD_MODELS", "SHAPE", "save_inputs", "save_small"]

SHAPE = (1, 6, 6)


def _floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def _small(**options: int) -> Model:
    model = Model(("N", *SHAPE), **options).add("Conv", _floats(4, 1, 3, 3), _floats(4), name="conv").add("Relu")
    model.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], name="pool").add("Flatten")
    return model.add("Gemm", _floats(3, 16), _floats(3), transB=1, name="fc")


def save_small(path: Path) -> None:
    """A float network: convolution, pooling, dense, softmax; input x (N, 1, 6, 6)."""
    onnx.save(_small().add("Softmax").build(["N", 3]), path)


def save_inputs(path: Path, count: int = 40) -> np.ndarray:
    """Typical inputs for it: calibration data, and frames to simulate."""
    data = np.random.default_rng(8).standard_normal((count, *SHAPE)).astype(np.float32)
    np.save(path, data)
    return data


def _not_onnx(path: Path) -> None:
    path.write_text("layers: 3\n")


def _truncated(path: Path) -> None:
    save_small(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _external_missing(path: Path) -> None:
    model = _small().build()
    external_data_helper.convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    onnx.save(model, path)
    (path.parent / "weights.bin").unlink()


def _old_opset(path: Path) -> None:
    onnx.save(_small(opset=6).add("Magic").build(["N", 3]), path)


def _three_unsupported(path: Path) -> None:
    model = Model(("N", *SHAPE)).add("Cos", name="first").add("Conv", _floats(4, 1, 3, 3)).add("Sin", name="second")
    onnx.save(model.add("Einsum", name="third", equation="nchw->nchw").build(), path)


def _nan_weights(path: Path) -> None:
    weights = _floats(3, 36)
    weights[1, 5] = np.nan
    onnx.save(Model(("N", *SHAPE)).add("Flatten").add("Gemm", weights, transB=1, name="fc").build(), path)


def _unknown_dimensions(path: Path) -> None:
    model = Model(("N", 1, "height", "width")).add("Conv", _floats(4, 1, 3, 3), name="conv")
    onnx.save(model.build(output_type=TensorProto.FLOAT), path)


BAD_MODELS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda path: None, r"model\.onnx does not exist"),
    "not ONNX": (_not_onnx, r"model\.onnx is not an ONNX file"),
    "truncated": (_truncated, r"model\.onnx is truncated or damaged"),
    "external data missing": (_external_missing, r"keeps its weights in weights\.bin, missing in .*; put the file"),
    "opset too old": (_old_opset, r"has opset 6, which cannot be converted to 13 \(.*Magic.*\): export"),
    "three unsupported": (_three_unsupported, r"(?s)3 nodes.*Cos 'first'.*Sin 'second'.*Einsum 'third'"),
    "NaN weights": (_nan_weights, r"NaN"),
    "unknown dimensions": (_unknown_dimensions, r"--input-shape"),
}
"""What writes the file, and what the message must say."""
