"""The table of large networks says what was measured, and what was not."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.big import __main__ as command
from benchmarks.big import measure as measuring
from benchmarks.big.document import load, markdown, write
from benchmarks.big.measure import chosen_layers, measure
from benchmarks.big.rows import ROWS
from benchmarks.building import Built
from benchmarks.simulating import Cycles
from rtlnn.errors import InputError
from rtlnn.sim.by_layer import LayerResult, LayersResult

LAYERS = [
    {"name": name, "lut": lut, "dsp": dsp, "limits": name == "b", "bound": "arithmetic"}
    for name, lut, dsp in (("a", 10, 4), ("b", 900, 1), ("c", 20, 0))
]
REPORT: dict[str, Any] = {
    "interval_cycles": 100_000,
    "latency_cycles": 200_001,
    "resources": {"lut": 930, "ff": 5, "dsp": 2_000, "bram36": 12.5, "uram": 0},
    "layers": LAYERS,
}


def test_the_quickest_layers_come_first() -> None:
    assert chosen_layers(LAYERS, 2) == ["c", "a"]
    assert chosen_layers(LAYERS, None) == ["c", "a", "b"]
    assert chosen_layers(LAYERS, 0) == []


def test_a_row_is_measured_once_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS[0]
    builds: list[Path] = []

    def build(_: object, __: object, folder: Path) -> Built:
        builds.append(folder)
        folder.mkdir(parents=True)
        return Built(REPORT, None, 12.3, 11.4, 456.0, 7.5)

    monkeypatch.setattr(measuring, "build", build)
    results = [list(measure(row, tmp_path, None, 0, None, lambda step: None))[-1] for _ in range(2)]
    assert results[0] == results[1]
    assert len(builds) == 1
    assert results[0]["efficiency"] == round(349_151_936 / (100_000 * 2 * 2_000), 3)
    write({row.name: results[0]}, tmp_path)
    assert load(tmp_path) == {row.name: results[0]} == json.loads((tmp_path / "big_networks.json").read_text())
    page = (tmp_path / "big_networks.md").read_text()
    # one cycle of latency too many
    assert "interval 100,000 (0.5 ms, 2,000 frames/s at 200 MHz), latency 200,001 (1 ms) ✗" in page
    assert "2,000, 930, 12.5, 0 | 0.87 | the arithmetic of b | - |" in page
    assert "planned in 7.5 s of a processor, built in 11.4 s of a processor, with 456 MB" in page
    assert page.count("not measured yet") == len(ROWS) - 1


def test_layers_are_simulated_in_steps_that_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row, simulated = ROWS[0], []

    def build(_: object, __: object, folder: Path) -> Built:
        folder.mkdir(parents=True)
        return Built(REPORT, None, 1.0, 1.0, 1.0, 1.0)

    def simulate(_: Path, layers: list[str], workers: int | None) -> LayersResult:
        simulated.append(layers)
        told = {name: ("wrong",) if name == "b" else () for name in layers}
        found = tuple(LayerResult(name, "", "", 2, 0, told[name], 1, 1, 100, 0.5, 1.5) for name in layers)
        return LayersResult(found, 1, 1, "", "", 1, 2.0)

    monkeypatch.setattr(measuring, "build", build)
    monkeypatch.setattr(measuring, "simulate_layers", simulate)
    monkeypatch.setattr(measuring, "_STEP", 1)
    steps = [r.get("simulated") for r in measure(row, tmp_path, None, 1, None, lambda step: None)]
    assert steps[0] is None
    assert steps[1]["passed"] == 1
    *_, last = measure(row, tmp_path, None, None, None, lambda step: None)
    assert simulated == [["c"], ["a"], ["b"]]
    assert last["simulated"] == {
        "layers": 3,
        "passed": 2,
        "failures": ["b: wrong"],
        "frames": 2,
        "cycles": 300,
        "seconds": 1.5,
        "build_seconds": 4.5,
    }


def test_some_are_simulated_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_: object, __: object, folder: Path) -> Built:
        folder.mkdir(parents=True)
        return Built(REPORT, None, 1.0, 1.0, 1.0, 1.0)

    (row,) = (row for row in ROWS if row.whole)
    monkeypatch.setattr(measuring, "build", build)
    monkeypatch.setattr(measuring, "simulate", lambda folder: Cycles(200_001, 100_000))
    first, last = measure(row, tmp_path, None, None, None, lambda step: None)
    assert "whole" not in first
    assert last["whole"] == {"frames": 6, "latency": 200_001, "interval": 100_000}
    assert "the arithmetic of b | the whole, 6 frames |" in markdown({row.name: last})


def test_a_name_is_that_row_alone() -> None:
    assert [row.name for row in command.chosen_rows("resnet-50")] == ["ResNet-50"]
    assert len(command.chosen_rows("squeezenet")) == 2
    assert command.chosen_rows("") == list(ROWS)


def test_failed_layers_show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = {"layers": 3, "passed": 2, "failures": ["a: wrong"], "frames": 2, "cycles": 9, "seconds": 1.0}
    result = {"interval": 1, "latency": 1, "lut": 0, "dsp": 0, "bram36": 0, "uram": 0, "efficiency": 0.5, "layers": 3}
    result |= {"limits": ["the input of a", "the input of b"], "build_processor_seconds": 1, "build_megabytes": 1}
    result |= {"plan_processor_seconds": 1}
    result |= {"simulated": {**seen, "build_seconds": 2.0}}
    assert "| the input of a and 1 more | 2 of 3 layers; 1 FAILED |" in markdown({ROWS[0].name: result})
    monkeypatch.setattr(command, "measure", lambda *_: [result])
    assert command.main(["--only", "squeeze", "--docs", str(tmp_path)]) == 1


def test_a_refusal_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> Built:
        raise InputError("it takes 2 DSP | there is 1")

    monkeypatch.setattr(measuring, "build", build)
    (result,) = measure(ROWS[0], tmp_path, None, None, None, lambda step: None)
    assert "| refused |  |  | it takes 2 DSP / there is 1 |  |" in markdown({ROWS[0].name: result})
    with pytest.raises(InputError, match="say with --models DIR"):
        next(row for row in ROWS if row.name == "MobileNetV2").model(None)
