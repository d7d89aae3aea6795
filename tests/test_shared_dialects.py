"""Networks of others in QONNX and in the QOperator format: their makers' numbers, exactly."""

from pathlib import Path

import numpy as np
import pytest

from examples.datasets import load as load_images
from rtlnn.load import load_network
from rtlnn.ops import Requantize
from rtlnn.sim.reference import Reference

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MODELS = DATA / "models"

pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="shared data absent: no folder ../shared/data")


@pytest.mark.parametrize(("name", "accuracy"), [("1W1A", 0.9296), ("1W2A", 0.9474), ("2W2A", 0.9660)])
def test_accuracy_of_few_bits(name: str, accuracy: float) -> None:
    """As the QONNX project's executor measures it on all of MNIST's test images."""
    network = load_network(MODELS / f"qonnx_TFC_{name}.onnx")
    assert not any(isinstance(n.op, Requantize) for n in network.core.nodes)
    test = load_images("mnist", DATA / "datasets").test
    images = (test.images.reshape(-1, 1, 28, 28) / 255).astype(np.float32)
    found = (Reference(network)(images).argmax(axis=1) == test.labels).mean()
    assert abs(found - accuracy) <= 0.00005


def test_a_real_input_is_quantized_with_data(rng: np.random.Generator) -> None:
    frames = rng.normal(0, 1, (200, 16)).astype(np.float32)
    network = load_network(MODELS / "qonnx_qkeras_jettagging.onnx", frames)
    assert any("global_in" in note for note in network.notes)
    assert Reference(network)(frames).shape == (200, 5)


def test_mobilenet_equals_onnxruntime(rng: np.random.Generator) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = MODELS / "mobilenetv2_cifar10_int8_qlinear.onnx"
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    frames = rng.normal(0, 1, (3, 3, 32, 32)).astype(np.float32)
    wanted = np.stack([session.run(None, {"input.1": frame[np.newaxis]})[0] for frame in frames])
    np.testing.assert_array_equal(Reference(load_network(path))(frames).reshape(wanted.shape), wanted)
