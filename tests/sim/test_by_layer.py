"""Layers simulated one by one: the right tensors, shared modules, and faults that are found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn.cli.main import main
from rtlnn.errors import InputError
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.by_layer import run, simulate_layers, work
from rtlnn.sim.by_layer.jobs import Layers
from rtlnn.sim.by_layer.work import ModuleJob, run_module
from tests.onnx_models import Model, dense_layers

SHAPE = (4, 5, 5)


def _model() -> Model:
    """Two convolutions of one configuration, one behind the other, whose weights differ, and a residual sum."""
    rng = np.random.default_rng(5)
    model = Model(("N", *SHAPE))
    for name in ("first", "second"):
        weights = rng.uniform(-1, 1, (4, 4, 1, 1)).astype(np.float32)
        weights[0] = 1  # the scales are alike
        model = model.add("Conv", weights, name=name)
    return model


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by_layer") / "net"
    data = np.random.default_rng(6).standard_normal((8, *SHAPE)).astype(np.float32)
    options = rtlnn.Options(platform="vu9p", calibration=data, target_interval=100)
    rtlnn.build(_model().build(["N", 4, 5, 5]), folder, options)
    return folder


def _job(build: Path, stalls: bool = False) -> ModuleJob:
    layers = Layers.of(BuildFolder.open(build), None, ["first"])
    frames = np.random.default_rng(7).integers(-128, 128, (2, 5, 5, 4))
    (job,) = layers.jobs([frames], stalls, 1)
    return job


def test_layers_in_parallel(build: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    result = simulate_layers(build, workers=2, progress=lambda *step: steps.append(step))
    assert result.passed, result.layers
    assert [layer.name for layer in result.layers] == ["first", "second"]
    assert all(layer.interval == layer.planned and layer.frames == 2 for layer in result.layers)
    assert result.cycles == sum(layer.cycles for layer in result.layers) > 0
    assert steps[-1][1:] == (2, 2)
    assert "cycles/s" in steps[-1][0]


@pytest.mark.parametrize("batch", [1, 4])
def test_streamed_weights(rng: np.random.Generator, tmp_path: Path, batch: int) -> None:
    """Layers whose weights are streamed run whole batches."""
    sizes = 12, 10, 7
    options = rtlnn.Options(platform="vu9p", calibration=rng.normal(size=(16, 12)), stream=("fc1", "fc2"), batch=batch)
    rtlnn.build(dense_layers(rng, sizes), tmp_path / "net", options)
    result = simulate_layers(tmp_path / "net", workers=1)
    assert result.passed, result.layers
    assert [layer.frames for layer in result.layers] == [max(2, batch)] * 2
    assert all(layer.interval == layer.planned for layer in result.layers)


def test_equal_layers_share_a_module(build: Path) -> None:
    layers = Layers.of(BuildFolder.open(build), None, ())
    same = layers.options[0].layer == layers.options[1].layer
    assert len(layers.configurations) == (1 if same else 2)
    assert sorted(n for numbers in layers.configurations for n in numbers) == [0, 1]


def test_wrong_values_are_found(build: Path) -> None:
    job = _job(build, stalls=True)
    (item,) = job.items
    expected = item.expected.copy()
    expected[1, 2, 3, 0] ^= 1
    (result,) = run_module(replace(job, items=(replace(item, expected=expected),)))
    assert not result.passed
    assert result.mismatches == 2  # once without and once with stalls
    assert "frame 1, pixel 13, channel 0" in result.failures[0]


def test_wrong_cycles_are_found(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = work.schedule_circuit

    def late(*args: object) -> object:
        planned = schedule(*args)
        (cycles,) = planned.outputs
        return replace(planned, outputs=((*cycles[:-1], cycles[-1] + 1),))

    monkeypatch.setattr(work, "schedule_circuit", late)
    (result,) = run_module(_job(build))
    assert result.mismatches == 0
    assert len(result.failures) == 1
    assert "planned" in result.failures[0]


def test_a_build_that_was_edited_is_refused(build: Path) -> None:
    job = _job(build)
    (item,) = job.items
    name = f"{item.module}.v"
    edited = {**item.files, name: item.files[name] + "\n"}
    with pytest.raises(InputError, match=f"{name} of the build is not what its plan"):
        run_module(replace(job, items=(replace(item, files=edited),)))


def test_what_cannot_be_done_is_said(
    build: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="no layer is named 'third'; the layers are first, second"):
        simulate_layers(build, layers=["third"])
    with pytest.raises(InputError, match="0 workers"):
        simulate_layers(build, workers=0)
    assert main(["simulate", str(build), "--workers", "2"]) == InputError.exit_code
    assert "--workers needs --by-layer" in capsys.readouterr().err
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    assert main(["simulate", str(build), "--by-layer"]) == InputError.exit_code
    assert "pip install 'rtlnn[sim,cluster]'" in capsys.readouterr().err
