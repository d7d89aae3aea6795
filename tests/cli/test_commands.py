"""The commands on a small network: what they write and print, and their exit codes."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import rtlnn
from rtlnn.cli import main
from rtlnn.cli.main import COMMANDS, parser
from tests.cli.models import save_inputs, save_small

Output = pytest.CaptureFixture[str]

GOOD = ("model.onnx", "--calibration", "data.npy", "--target-interval", "400")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a model and its calibration data."""
    monkeypatch.chdir(tmp_path)
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_build(here: Path, capsys: Output) -> None:
    assert main(["build", *GOOD]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for layer, operator in (("conv", r"Conv2D\+MaxPool2D"), ("fc", "Dense")):
        assert re.search(rf"│ {layer} +│ {operator} +│", out)
    assert "limits" in out
    assert "979,040" in out
    assert re.search(r"latency +[\d,]+ cycles = [\d.]+ µs at 300 MHz", out)
    assert re.search(r"interval +[\d,]+ cycles = [\d,]+ frames/s", out)
    assert "on the host, after the hardware: Dequantize" in out
    assert "written to build/model; next: rtlnn simulate build/model" in out
    assert sorted(p.name for p in (here / "build").iterdir()) == ["model"]
    built = {p.name for p in (here / "build" / "model").iterdir()}
    assert built >= {"README.md", "interface.json", "kernel", "mem", "model_template.v", "network.npz", "plan.json"}
    assert built >= {"report.json", "rtl", "vivado"}


def test_estimate_is_the_report_of_the_build(here: Path, capsys: Output) -> None:
    assert main(["build", *GOOD, "--json", "-o", "out"]) == 0
    built = capsys.readouterr().out
    assert built == (here / "out" / "report.json").read_text()
    before = sorted(here.rglob("*"))
    assert main(["estimate", *GOOD, "--json"]) == 0
    assert capsys.readouterr().out == built
    assert main(["estimate", *GOOD]) == 0
    assert sorted(here.rglob("*")) == before
    report = json.loads(built)
    keys = "model platform clock_mhz latency_cycles interval_cycles fps layers resources available"
    assert set(keys.split()) <= set(report)
    assert all({"name", "op", "pe", "simd", "cycles", "macs", "dsp"} <= set(layer) for layer in report["layers"])
    assert report["interval_cycles"] <= 400


def test_plan_given_back_gives_the_same_design(here: Path, capsys: Output) -> None:
    assert main(["build", *GOOD, "-o", "first"]) == 0
    assert main(["build", *GOOD[:3], "--plan", "first/plan.json", "-o", "second"]) == 0
    first, second = _files(here / "first"), _files(here / "second")
    reports = [json.loads(files.pop("report.json")) for files in (first, second)]
    assert first == second
    # how far from the best is known of what was searched
    assert reports[0].pop("bound")
    assert reports[1].pop("bound") is None
    assert reports[0] == reports[1]


def test_random_calibration_is_marked(here: Path, capsys: Output) -> None:
    assert main(["estimate", "model.onnx", "--calibration", "random"]) == 0
    assert "NOTE: calibrated with random data: for studies of size and speed only" in capsys.readouterr().out


def test_quantize_then_build_gives_the_same_design(here: Path, capsys: Output) -> None:
    assert main(["quantize", *GOOD[:3]]) == 0
    assert "written to model_int8.onnx" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(here / "model_int8.onnx", providers=["CPUExecutionProvider"])
    x = np.load(here / "data.npy")
    (theirs,) = session.run(None, {"x": x})
    np.testing.assert_allclose(rtlnn.reference(here / "model_int8.onnx")(x), theirs, atol=0.02)
    (here / "int8").mkdir()
    (here / "model_int8.onnx").rename(here / "int8" / "model.onnx")
    assert main(["build", *GOOD, "-o", "a"]) == 0
    assert main(["build", "int8/model.onnx", "--target-interval", "400", "-o", "b"]) == 0
    assert _files(here / "a") == _files(here / "b")


def test_simulate(here: Path, capsys: Output) -> None:
    assert main(["build", *GOOD, "-o", "out"]) == 0
    capsys.readouterr()
    assert main(["simulate", "out", "--inputs", "data.npy"]) == 0
    out = capsys.readouterr().out
    assert "40 frames (data.npy)" in out
    assert "passed: every output bit equals the reference" in out
    assert main(["simulate", "out", "--frames", "5", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["bit_exact"]
    assert result["mismatches"] == 0
    assert result["latency_cycles"] == result["planned_latency_cycles"]
    assert result["interval_cycles"] == result["planned_interval_cycles"]
    # a wrong weight bit
    memory = next((here / "out" / "mem").glob("*fc*weight*.mem"))
    first, *rest = memory.read_text().splitlines()
    flipped = f"{int(first[-1], 16) ^ 4:x}"
    memory.write_text("\n".join([first[:-1] + flipped, *rest]) + "\n")
    assert main(["simulate", "out", "--inputs", "data.npy"]) == 1
    out = capsys.readouterr().out
    assert "WRONG" in out
    assert "FAILED: no stalls: " in out
    assert main(["simulate", "out", "--inputs", "data.npy", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert not result["bit_exact"]
    assert result["mismatches"] > 0


def test_platforms(here: Path, capsys: Output) -> None:
    assert main(["platforms"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("u200", "vu9p", "zu9eg", "xc7z020"))
    assert main(["platforms", "show", "u200"]) == 0
    shown = capsys.readouterr().out
    assert "SLR1" in shown
    assert "205,440" in shown
    assert "source: Vitis" in shown


def test_every_command_has_help_with_examples(capsys: Output) -> None:
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([name, "--help"])
        assert ended.value.code == 0
        assert f"examples:\n  rtlnn {name}" in capsys.readouterr().out


def test_version(capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"rtlnn {rtlnn.__version__}\n"


def test_interruption_leaves_nothing(here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rtlnn.builder.save_network", interrupted)
    before = sorted(here.iterdir())
    assert main(["build", *GOOD, "-o", "out"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert sorted(here.iterdir()) == before


def test_progress_is_for_terminals(here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["estimate", *GOOD]) == 0
    assert "sizing buffers" in terminal.getvalue()
    assert "sizing buffers" not in capsys.readouterr().out


def test_brackets_in_names_are_printed(here: Path, capsys: Output) -> None:
    report = rtlnn.estimate("model.onnx", rtlnn.Options(calibration=Path("data.npy")))
    report["layers"][0]["name"] = "block[0]/conv"
    from rtlnn.cli.report_tables import print_report

    print_report(report)
    assert "block[0]/conv" in capsys.readouterr().out
