"""Training and export with torch, where it is installed (extra `train`): repeatable, and the same in onnxruntime."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from torch import nn

from examples.accuracy import onnxruntime_predict
from examples.datasets import Split
from examples.onnx_export import Normalize, export
from examples.training import Recipe, predictor, publish, seed, train
from rtlnn.errors import CheckFailed


def network() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            normalize=Normalize(3, 5),
            conv=nn.Conv2d(1, 4, (3, 2), stride=(1, 2), padding=(1, 0), bias=False),
            bn=nn.BatchNorm2d(4),
            relu=nn.ReLU(),
            average=nn.AvgPool2d(2),
            maximum=nn.MaxPool2d((2, 1), stride=1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(0.5),
            fc=nn.Linear(24, 10),
        )
    )


def samples() -> Split:
    generator = np.random.default_rng(7)
    return Split(generator.integers(0, 17, (96, 1, 8, 8), dtype=np.uint8), generator.integers(0, 10, 96))


def test_two_trainings_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        seed(5)
        trained = network()
        train(trained, samples(), Recipe(epochs=2, batch=32, shift=1))
        publish(trained, samples(), tmp_path / name, softmax=True, description="test")
    # Only the graph's name follows the file's.
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes().replace(b"\x12\x01b", b"\x12\x01a")


def test_export_equals_torch_on_every_module(tmp_path: Path) -> None:
    seed(5)
    trained = network()
    train(trained, samples(), Recipe(epochs=1))  # batch norm's statistics leave 0 and 1
    export(trained, (1, 8, 8), tmp_path / "x.onnx", output="logits", description="test")
    images = samples().images.astype(np.float32)
    result = onnxruntime_predict(tmp_path / "x.onnx")(images)
    np.testing.assert_allclose(result, predictor(trained)(images), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["x.onnx"]


def test_unknown_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="gelu: no ONNX writer for GELU"):
        export(nn.Sequential(OrderedDict(gelu=nn.GELU())), (1, 8, 8), tmp_path / "x.onnx", output="y", description="")
    assert not list(tmp_path.iterdir())


def test_publish_sees_a_wrong_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = network()
    monkeypatch.setattr("examples.onnx_export.Normalize.forward", lambda self, x: x - self.mean)
    with pytest.raises(CheckFailed, match="onnxruntime differs"):
        publish(trained, samples(), tmp_path / "x.onnx", softmax=False, description="test")
