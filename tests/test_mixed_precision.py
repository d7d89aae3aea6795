"""Bits that an accuracy chooses."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import rtlnn
from rtlnn.cli import main
from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.mixed_precision import choose_bits
from rtlnn.precision import read_precision
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model

Rng = np.random.Generator


def _task(rng: Rng, frames: int = 300) -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """Three directions in the plane: wide layers with redundant weights tell them."""
    labels = rng.integers(0, 3, frames)
    x = np.stack([np.cos(2.1 * labels), np.sin(2.1 * labels)], axis=1) + 0.35 * rng.standard_normal((frames, 2))
    first = rng.standard_normal((16, 2))
    first /= np.abs(first).max()
    hidden = np.maximum(x @ first.T, 0)
    target = np.eye(3)[labels]
    second = np.linalg.solve(hidden.T @ hidden + 10 * np.eye(16), hidden.T @ target).T
    m = Model(("N", 2)).add("Gemm", first.astype(np.float32), transB=1, name="one").add("Relu")
    model = m.add("Gemm", second.astype(np.float32), transB=1, name="two").build(["N", 3])
    return model, x.astype(np.float32), labels


def _accuracy(model: onnx.ModelProto, x: np.ndarray, labels: np.ndarray, **options: object) -> float:
    scores = Reference(load_network(model, x, **options))(x)  # type: ignore[arg-type]
    return 100.0 * float((scores.argmax(axis=1) == labels).mean())


def test_few_bits_within_the_drop(rng: Rng) -> None:
    model, x, labels = _task(rng)
    choice = choose_bits(model, x, labels, 1.0)
    assert choice.accuracy >= choice.float_accuracy - 1.0
    # the integer network is what was measured
    assert _accuracy(model, x, labels, settings=choice.settings) == pytest.approx(choice.accuracy, abs=0.4)
    assert choice.size < choice.size_of_eight / 2
    wider = choose_bits(model, x, labels, 10.0)
    assert wider.size < choice.size
    assert choose_bits(model, x, labels, 1.0) == choice


def test_one_bit_less_would_be_too_few(rng: Rng) -> None:
    model, x, labels = _task(rng)
    choice = choose_bits(model, x, labels, 0.5)
    for name, layer in choice.settings.layers.items():
        for what in ("weights", "activations"):
            bits = getattr(layer, what)
            if bits is not None and bits > 1:
                changed = {**choice.settings.layers, name: rtlnn.LayerSettings(**{**vars(layer), what: bits - 1})}
                found = _accuracy(model, x, labels, settings=rtlnn.Settings(layers=changed))
                assert found < choice.float_accuracy - 0.5 + 0.4, (name, what)


def test_commands(
    rng: Rng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model, x, labels = _task(rng)
    onnx.save(model, "model.onnx")
    np.save("data.npy", x)
    np.save("labels.npy", labels)
    good = ["model.onnx", "--calibration", "data.npy", "--labels", "labels.npy", "--accuracy-drop", "2"]
    assert main(["quantize", *good, "--save-precision", "layers.yaml"]) == 0
    assert "bits chosen for accuracy" in capsys.readouterr().out
    assert read_precision("layers.yaml").layers == choose_bits(model, x, labels, 2.0).settings.layers
    assert main(["estimate", *good, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "bits chosen for accuracy" in report["notes"][-1]
    assert main(["estimate", *good, "--precision", "layers.yaml"]) == 2
    assert main(["estimate", *good[:3], "--accuracy-drop", "2"]) == 2
    assert "labels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(7, np.int64)}, "are 7, the calibration data hold 300 frames"),
        ({"labels": np.zeros((300, 2), np.int64)}, "one class number a frame"),
        ({"labels": np.full(300, 3)}, r"lie in 3\.\.3, the model has 3 outputs"),
        ({"labels": "none.npy"}, "none.npy cannot be read"),
        ({"drop": -1.0}, "0 to 100 percent points"),
    ],
)
def test_faults(change: dict[str, object], message: str, rng: Rng) -> None:
    model, x, labels = _task(rng)
    with pytest.raises(InputError, match=message):
        choose_bits(**{"model": model, "calibration": x, "labels": labels, "drop": 1.0, **change})  # type: ignore[arg-type]


def test_no_bits_are_enough(rng: Rng) -> None:
    """The float model tells infinitely little apart."""
    m = Model(("N", 2)).add("Gemm", np.float32([[1, 0], [1, 1e-7]]), transB=1, name="fc")
    x = np.stack([np.ones(64), np.where(np.arange(64) % 2, 1.0, -1.0)], axis=1).astype(np.float32)
    with pytest.raises(InputError, match="not even 16 bits are accurate enough"):
        choose_bits(m.build(["N", 2]), x, np.arange(64) % 2, 0.5)
