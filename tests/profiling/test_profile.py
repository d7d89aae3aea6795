"""Ranges of weights and activations against their formats."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from rtlnn.cli import main
from rtlnn.errors import InputError
from rtlnn.passes.settings import LayerSettings, Settings
from rtlnn.profiling import Profile, ValueKind, ValueProfile, profile
from rtlnn.profiling.plot import draw
from rtlnn.quantization import CalibrationMethod
from tests.cli.models import save_inputs, save_small
from tests.onnx_models import Model


def _value(found: Profile, layer: str, kind: ValueKind = ValueKind.ACTIVATION) -> ValueProfile:
    (value,) = (v for v in found.values if v.layer == layer and v.kind is kind)
    return value


def test_ranges_and_saturations() -> None:
    """A dense layer that doubles: its results are known."""
    m = Model(("N", 2)).quantize(0.5, 0).dequantize(0.5, 0)
    m.add("Gemm", m.integers(np.array([[2, 0], [0, -1]], np.int8), 1.0), transB=1, name="fc").qdq(0.25, 0)
    x = np.array([[1, 1], [20, 4], [-60, 3], [0.5, 0.5]], np.float32)
    found = profile(m.build(), x)
    fc = _value(found, "fc")
    # 40 and -120 do not fit [-32, 31.75]
    assert (fc.least, fc.largest, fc.step) == (-32, 31.75, 0.25)
    assert (fc.seen_least, fc.seen_largest) == (-32, 31.75)
    assert (fc.values, fc.saturated) == (8, 2)
    assert fc.unused_bits == 0
    source = _value(found, "input")
    assert (source.seen_least, source.seen_largest, source.saturated) == (-60, 20, 0)
    weights = _value(found, "fc", ValueKind.WEIGHT)
    assert (weights.seen_least, weights.seen_largest, weights.largest) == (-1, 2, 127)
    assert weights.unused_bits == 6
    assert found.saturated == 2
    assert found.comparison is not None
    assert found.comparison.equal


def test_more_bits_are_less_noise(rng: np.random.Generator) -> None:
    m = Model(("N", 1, 6, 6)).add("Conv", rng.standard_normal((4, 1, 3, 3)).astype(np.float32), name="conv")
    m.add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).add("Flatten")
    model = m.add("Gemm", rng.standard_normal((2, 16)).astype(np.float32), transB=1, name="fc").build()
    x = rng.standard_normal((300, 1, 6, 6))

    def noise(bits: int) -> float:
        settings = Settings(LayerSettings(bits, bits), {"x": LayerSettings(activations=12)})
        value = _value(profile(model, x, quantization=(settings, CalibrationMethod.MIN_MAX)), "conv")
        assert value.bits == bits
        assert value.noise is not None
        return value.noise

    few, many = noise(5), noise(8)
    # 6 dB a bit
    assert 14 < many - few < 22


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    assert main(["profile", "model.onnx", "data.npy", "--plot", "a.svg"]) == 0
    out = capsys.readouterr().out
    assert "no layer diverges" in out
    assert "drawn into a.svg" in out
    assert main(["profile", "model.onnx", "data.npy", "--plot", "b.svg", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [v["layer"] for v in result["values"]] == ["input", "conv", "conv", "fc", "fc"]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert main(["profile", "model.onnx", "data.npy", "--plot", "a.txt"]) == 2
    assert "ends in .svg, .png, .pdf" in capsys.readouterr().err


def test_without_extras(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    m = Model(("N", 4)).qdq(0.1, 0)
    m.add("Gemm", m.integers(rng.integers(-9, 9, (3, 4), np.int8), 0.1), transB=1).qdq(0.2, 1)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = profile(m.build(), rng.standard_normal((5, 4)))
    assert found.comparison is None
    assert "pip install 'rtlnn[compare]'" in found.notes[0]
    with pytest.raises(InputError, match=r"pip install 'rtlnn\[profile\]'"):
        draw(found, tmp_path / "a.svg")
