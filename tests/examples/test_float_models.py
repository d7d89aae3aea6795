"""The committed float models are what their READMEs say: form, size, calibration data, accuracy on committed digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from examples.accuracy import accuracy, full_test_set, onnxruntime_predict

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Expected:
    """A committed model."""

    path: str
    image: tuple[int, int, int]
    operators: str
    parameters: int
    """Trained weights and biases; batch norm's four per channel count."""


MODELS = (
    Expected(
        "digits/mlp", (1, 8, 8), "Div Flatten Gemm Relu Gemm Relu Gemm Softmax", 64 * 64 + 64 * 32 + 32 * 10 + 106
    ),
    Expected(
        "digits/cnn",
        (1, 8, 8),
        "Div Conv BatchNormalization Relu Conv BatchNormalization Relu MaxPool Flatten Gemm",
        9 * 16 + 9 * 16 * 32 + 4 * (16 + 32) + 512 * 10 + 10,
    ),
    Expected("fashion_mnist/mlp", (1, 28, 28), "Div Flatten Gemm Relu Gemm", 784 * 256 + 256 + 256 * 10 + 10),
    Expected(
        "mnist/lenet5",
        (1, 28, 28),
        "Sub Div Conv Relu AveragePool Conv Relu AveragePool Flatten Gemm Relu Gemm Relu Gemm Softmax",
        61_706,
    ),
)
each_model = pytest.mark.parametrize("expected", MODELS, ids=lambda expected: expected.path)


@each_model
def test_form(expected: Expected) -> None:
    model = onnx.load(EXAMPLES / f"{expected.path}.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert [opset.version for opset in model.opset_import] == [17]
    assert [node.op_type for node in model.graph.node] == expected.operators.split()
    (image,) = model.graph.input
    batch, *shape = image.type.tensor_type.shape.dim
    assert batch.dim_param == "N"
    assert tuple(dim.dim_value for dim in shape) == expected.image
    names = [node.name for node in model.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    normalization = sum(name.startswith("normalize.") for name in names)
    sizes = [numpy_helper.to_array(tensor).size for tensor in model.graph.initializer]
    assert sum(sizes) - normalization == expected.parameters


@each_model
def test_calibration(expected: Expected) -> None:
    path = EXAMPLES / expected.path.split("/")[0] / "calibration.npy"
    assert path.stat().st_size < 250_000
    images = np.load(path, allow_pickle=False)
    assert images.dtype == np.uint8
    assert images.shape == (256, *expected.image)
    top = 16 if expected.image == (1, 8, 8) else 255
    assert (images.min(), images.max()) == (0, top)
    scores = onnxruntime_predict(EXAMPLES / f"{expected.path}.onnx")(images.astype(np.float32))
    # Classes are taken in turn, so a good network's answers are 0, 1, ... 9, 0, 1, ...
    assert np.mean(scores.argmax(axis=1) == np.arange(256) % 10) > 0.85


def test_calibration_is_not_test_data() -> None:
    test = full_test_set(EXAMPLES / "digits", None)
    known = {image.tobytes() for image in np.load(EXAMPLES / "digits" / "calibration.npy")}
    assert not any(image.tobytes() in known for image in test.images)


@pytest.mark.parametrize(("name", "least"), [("mlp", 0.97), ("cnn", 0.98)])
def test_digits_accuracy(name: str, least: float, tmp_path: Path) -> None:
    path = EXAMPLES / "digits" / f"{name}.onnx"
    test = full_test_set(path.parent, None)
    assert accuracy(onnxruntime_predict(path), test.images, test.labels) >= least

    # The check sees a fault: one layer's weights negated.
    model = onnx.load(path)
    last = next(tensor for tensor in reversed(model.graph.initializer) if tensor.name.endswith(".weight"))
    last.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(last), last.name))
    faulty = tmp_path / "faulty.onnx"
    onnx.save(model, faulty)
    assert accuracy(onnxruntime_predict(faulty), test.images, test.labels) < least
