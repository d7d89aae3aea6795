"""Bits, requantization and rounding, layer by layer."""

from pathlib import Path

import numpy as np
import onnx
import pytest

import rtlnn
from rtlnn.cli import main
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.load import load_network
from rtlnn.ops import Conv2D, Dense, Precision, Requantize, Thresholds
from rtlnn.passes.quantize.histogram import Histogram
from rtlnn.passes.settings import LayerSettings, Rounding, Settings
from rtlnn.precision import read_precision
from rtlnn.quantization import CalibrationMethod
from rtlnn.sim.reference import Reference
from tests.cli.models import save_inputs, save_small
from tests.onnx_models import Model, run

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _cnn(rng: Rng) -> onnx.ModelProto:
    m = Model(("N", 3, 8, 8)).add("Conv", _f(rng, 8, 3, 3, 3), _f(rng, 8), name="one").add("Relu")
    m.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).add("Conv", _f(rng, 6, 8, 2, 2), name="two").add("Flatten")
    return m.add("Gemm", _f(rng, 5, 24), _f(rng, 5), transB=1, name="fc").build(["N", 5])


def _data(rng: Rng, frames: int = 40) -> np.ndarray:
    return _f(rng, frames, 3, 8, 8)


def _weight_bits(network: Network) -> dict[str, int]:
    core = network.core
    layers = [n for n in core.nodes if isinstance(n.op, (Conv2D, Dense))]
    largest = {n.name: int(np.abs(core.constants[n.inputs[1]]).max()) for n in layers}
    return {name: value.bit_length() + 1 for name, value in largest.items()}


def test_each_layer_has_its_own_bits(rng: Rng) -> None:
    settings = Settings(
        LayerSettings(weights=5, activations=7),
        {"one": LayerSettings(activations=3), "two": LayerSettings(12, 16), "x": LayerSettings(activations=10)},
    )
    network = load_network(_cnn(rng), _data(rng), settings=settings)
    assert _weight_bits(network) == {"one": 5, "two": 12, "fc": 5}
    core = network.core
    results = [core.types[n.output].fixed.bits for n in core.nodes if isinstance(n.op, (Requantize, Thresholds))]
    # the output keeps the bits of the file
    assert results == [3, 16, 8]
    assert core.types[core.inputs[0]].fixed.bits == 16
    assert core.types[core.inputs[0]].fixed.one_scale * 1024 > 5


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8, 11, 16])
def test_more_bits_are_nearer(bits: int, rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng)
    settings = Settings(LayerSettings(bits, bits), {"x": LayerSettings(activations=max(bits, 8))})
    quantized = rtlnn.quantize(model, data, settings=settings)
    assert quantized.opset_import[0].version == (17 if bits <= 8 else 21)
    wanted = run(model, data)
    error = np.abs(Reference(load_network(quantized))(data) - wanted).mean() / wanted.std()
    # of Gaussian weights; each bit halves it
    assert error < 4 * 2.0**-bits
    if bits == 1:
        network = load_network(quantized)
        for node in network.core.nodes:
            if isinstance(node.op, (Conv2D, Dense)):
                assert set(np.unique(network.core.constants[node.inputs[1]])) == {-1, 1}


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("precision", list(Precision))
def test_rounding_is_as_it_says(rounding: Rounding, precision: Precision, rng: Rng) -> None:
    """Sums that end in .5 and elsewhere, divided by 4, and by a number that is no power of two."""
    for scale in (4.0, 3.14159):
        m = Model(("N", 1)).quantize(1.0, 0).dequantize(1.0, 0)
        m.add("Gemm", m.integers(np.ones((1, 1), np.int8), 1.0), transB=1, name="fc").qdq(scale, 3)
        settings = Settings(layers={"fc": LayerSettings(requantize=precision, rounding=rounding)})
        network = load_network(m.build(), settings=settings)
        x = np.arange(-120, 121, dtype=np.float32).reshape(-1, 1)
        exact = x / scale
        wanted = {
            Rounding.HALF_EVEN: np.rint(exact),
            Rounding.HALF_UP: np.floor(exact + 0.5),
            Rounding.FLOOR: np.floor(exact),
        }[rounding]
        np.testing.assert_allclose(Reference(network)(x), wanted * scale, rtol=1e-6)


def test_requantization_of_one_layer(rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng)
    settings = Settings(layers={"two": LayerSettings(requantize=Precision.FAST)})
    found = load_network(model, data, settings=settings).core
    exact = load_network(model, data).core
    fast = load_network(model, data, precision=Precision.FAST).core
    kinds = [n.op.precision for n in found.nodes if isinstance(n.op, Requantize)]
    assert kinds == [Precision.EXACT, Precision.FAST, Precision.EXACT]
    for got, one, other in zip(found.nodes, exact.nodes, fast.nodes, strict=True):
        if isinstance(got.op, Requantize):
            wanted, graph = (other, fast) if got.op.precision is Precision.FAST else (one, exact)
            for mine, theirs in zip(got.inputs[1:3], wanted.inputs[1:3], strict=True):
                ratio = found.constants[mine] / graph.constants[theirs]
                assert np.allclose(ratio, ratio[0], rtol=2**-16)


def test_few_bits_are_better_clipped(rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng, 200)
    wanted = run(model, data)

    def error(method: CalibrationMethod) -> float:
        settings = Settings(LayerSettings(8, 3), {"x": LayerSettings(activations=8)})
        network = load_network(model, data, settings=settings, method=method)
        return float(((Reference(network)(data) - wanted) ** 2).mean())

    assert error(CalibrationMethod.MSE) < 0.8 * error(CalibrationMethod.MIN_MAX)


def test_ranges_of_a_histogram() -> None:
    """A value far out makes the whole range, and no other."""
    counts = np.zeros(1000)
    counts[:100], counts[-1] = 1000, 1
    seen = Histogram(counts, 0.0, 1000.0)
    assert seen.range(CalibrationMethod.MIN_MAX, True, 8) == (0, 1000)
    assert seen.range(CalibrationMethod.PERCENTILE, True, 8) == (0, 100)
    few = seen.range(CalibrationMethod.MSE, True, 2)[1]
    many = seen.range(CalibrationMethod.MSE, True, 12)[1]
    assert few < 300 < many


GOOD = """\
default:
  weights: 6
layers:
  conv: {weights: 4, activations: 5}
  fc:
    requantize: fast
    rounding: half_up
"""


def test_file(tmp_path: Path) -> None:
    (tmp_path / "layers.yaml").write_text(GOOD)
    settings = read_precision(tmp_path / "layers.yaml")
    assert settings.default == LayerSettings(weights=6)
    assert settings.layers["conv"] == LayerSettings(4, 5)
    assert settings.layers["fc"] == LayerSettings(requantize=Precision.FAST, rounding=Rounding.HALF_UP)
    assert (settings.weight_bits("fc"), settings.activation_bits("fc"), settings.input_bits("x")) == (6, 8, 8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "weights: 6",
            "weigths: 6",
            r"line 2, column 3: unknown key `weigths` in `default`; did you mean `weights`\?",
        ),
        ("weights: 6", "weights: 17", r"line 2: weights cannot have 17 bits; give 1 to 16"),
        ("weights: 6", "weights: 0", r"line 2: weights cannot have 0 bits"),
        ("weights: 6", "weights: six", r"line 2, column \d+: `weights` must be a whole number, not 'six'"),
        ("fast", "faster", r"line 6, column \d+: `requantize` must be one of exact, fast"),
        ("half_up", "up", r"line 7, column \d+: `rounding` must be one of half_even, half_up, floor"),
        ("  conv:", "  convs:", r"line 4: the model has no layer 'convs'; did you mean 'conv'\?"),
        ("  conv:", "  zzzz:", r"line 4: the model has no layer 'zzzz'; there are: conv, fc, x"),
        ("  fc:", "  conv:", r"line 5, column \d+: `conv` is given twice in `layers`"),
        ("  fc:", "  x:", r"line 5: 'x' is an input of the model; only its `activations` can be set"),
        ("layers:", "layer:", r"line 3, column \d+: unknown key `layer` in the precision; did you mean `layers`\?"),
        ("layers:", "layers: [", r"not valid YAML"),
    ],
)
def test_files_with_faults(
    old: str,
    new: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    (tmp_path / "layers.yaml").write_text(GOOD)
    good = ["quantize", "model.onnx", "--calibration", "data.npy", "--precision", "layers.yaml"]
    assert main(good) == 0
    (tmp_path / "layers.yaml").write_text(GOOD.replace(old, new, 1))
    assert main(good) == 2
    error = capsys.readouterr().err
    with pytest.raises(InputError, match=message):
        raise InputError(error)


def test_quantized_models_keep_their_bits(rng: Rng, tmp_path: Path) -> None:
    model, data = _cnn(rng), _data(rng)
    onnx.save(rtlnn.quantize(model, data), tmp_path / "q.onnx")
    with pytest.raises(InputError, match="quantized already"):
        load_network(tmp_path / "q.onnx", settings=Settings.uniform(4))
    with pytest.raises(InputError, match="no layer 'tow'; did you mean 'two'"):
        load_network(tmp_path / "q.onnx", settings=Settings(layers={"tow": LayerSettings(requantize=Precision.FAST)}))
    settings = Settings(LayerSettings(requantize=Precision.FAST))
    core = load_network(tmp_path / "q.onnx", settings=settings).core
    assert {n.op.precision for n in core.nodes if isinstance(n.op, Requantize)} == {Precision.FAST}
    with pytest.raises(InputError, match="not both"):
        rtlnn.quantize(model, data, bits=4, settings=settings)
