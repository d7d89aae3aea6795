"""Networks that others trained, as they are: exact where supported, one complete message where not."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from examples.datasets import load as load_images
from rtlnn.builder import build, estimate
from rtlnn.load import load_network
from rtlnn.ops import Add
from rtlnn.options import Options
from rtlnn.quantization import Calibration
from rtlnn.sim.build_folder import BuildFolder, random_frames
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.reference import Reference, load
from tests.onnx_models import run

MODELS = Path(__file__).resolve().parents[2] / "shared" / "data" / "models"

pytestmark = pytest.mark.skipif(not MODELS.is_dir(), reason="shared data absent: no folder ../shared/data")


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [("autoencoder", (640,), 64), ("dscnn", (49, 10, 1), 60), ("mobilenetv1_vww", (96, 96, 3), 6)],
)
def test_quantized_networks_equal_onnxruntime(
    name: str, shape: tuple[int, ...], count: int, rng: np.random.Generator
) -> None:
    """Dense layers; plain and depthwise convolutions, padded on one side in places."""
    onnxruntime = pytest.importorskip("onnxruntime")
    path = MODELS / f"mlperf_tiny_{name}_int8_qdq.onnx"
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    frames = rng.integers(-128, 128, (count, *shape)).astype(np.int8)
    expected = session.run(None, {source.name: frames})[0]
    assert np.array_equal(Reference(load_network(path))(frames), expected)


@pytest.mark.parametrize(
    ("name", "interval"),
    [("autoencoder", 16384), pytest.param("dscnn", 20000, marks=pytest.mark.slow)],
)
def test_quantized_networks_as_hardware(name: str, interval: int, rng: np.random.Generator, tmp_path: Path) -> None:
    model = MODELS / f"mlperf_tiny_{name}_int8_qdq.onnx"
    report = build(model, tmp_path / "build", Options(target_interval=interval))
    folder = BuildFolder.open(tmp_path / "build")
    frames = random_frames(folder.interface.input, 6, int(rng.integers(1 << 30)))
    run = compile_core(folder).run(frames)
    run.check(load(folder.path).run(frames).reshape(run.outputs.shape))
    assert run.latency == report["latency_cycles"]
    assert set(run.steady_intervals) == {report["interval_cycles"]}


@pytest.mark.parametrize("name", ["mnist8_cntk_float", "three_layer_keras", "conv1d_small_keras", "conv2d_small_keras"])
def test_float_models_are_planned(name: str) -> None:
    report = estimate(MODELS / f"{name}.onnx", Options(calibration=Calibration.RANDOM))
    assert report["interval_cycles"] >= max(layer["cycles"] for layer in report["layers"])
    assert any("random" in note for note in report["notes"])


def test_residual_sums_become_integers() -> None:
    network = load_network(MODELS / "mlperf_tiny_resnet8_fp32.onnx", Calibration.RANDOM)
    assert sum(isinstance(n.op, Add) for n in network.core.nodes) == 3


def test_accuracy_of_a_float_network_survives_the_integers() -> None:
    """Opset 8, auto_pad, weights that a Reshape makes; real images."""
    path = MODELS / "mnist8_cntk_float.onnx"
    data = load_images("mnist", MODELS.parent / "datasets")
    network = load_network(path, data.train.balanced(256).astype(np.float32))
    images, labels = data.test.images[:1000].astype(np.float32), data.test.labels[:1000]
    exact = (run(onnx.load(path), images).argmax(axis=1) == labels).mean()
    integer = (Reference(network)(images).argmax(axis=1) == labels).mean()
    assert exact > 0.98
    assert integer >= exact - 0.005


@pytest.mark.parametrize("name", ["three_layer_keras", "conv1d_small_keras", "conv2d_small_keras"])
def test_keras_exports_stay_close(name: str, rng: np.random.Generator) -> None:
    """Transposes around channels-last layers, and one-dimensional convolutions."""
    model = onnx.load(MODELS / f"{name}.onnx")
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = rng.standard_normal((100, *shape)).astype(np.float32)
    exact, integer = run(model, x), Reference(load_network(model, x))(x)
    assert integer.shape == exact.shape
    assert np.abs(integer - exact).max() < 0.1 * np.abs(exact).max()
