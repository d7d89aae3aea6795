"""`--profile` tells where the time goes, on stderr, and changes nothing else."""

import pstats
from pathlib import Path

import pytest

from rtlnn.cli.main import main
from rtlnn.cli.phases import Phases, bar_phase_of, phase_of
from tests.cli.models import save_inputs, save_small


def test_phases_add_up() -> None:
    now = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    timer = Phases(lambda: next(now))
    seen: list[str] = []
    step = timer.timed(seen.append, phase_of)
    for name in ("reading", "folding conv1", "folding conv2", "writing"):
        step(name)
    timer.begin("folding")
    assert timer.seconds == {"starting": 1.0, "reading": 2.0, "folding": 3.0, "writing": 4.0}
    assert seen == ["reading", "folding conv1", "folding conv2", "writing"]


def test_a_bars_speed_is_no_phase() -> None:
    assert bar_phase_of("no stalls: 1,000 cycles/s", 1, 2) == bar_phase_of("no stalls", 0, 2) == "no stalls"
    assert bar_phase_of("layers (3 frames/s)", 1, 2) == "layers"


def test_the_commands_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    command = ["estimate", "model.onnx", "--calibration", "data.npy", "--target-interval", "400", "--json"]
    assert main(command) == 0
    plain = capsys.readouterr()
    assert plain.err == ""
    assert main([*command, "--profile", "times"]) == 0
    told = capsys.readouterr()
    assert told.out == plain.out
    for phase in ("reading the model", "quantizing", "lowering to integers", "folding", "all", "GiB"):
        assert phase in told.err
    assert pstats.Stats("times").total_calls > 1000  # type: ignore[attr-defined]
    assert main(["build", *command[1:], "--profile"]) == 0
    told = capsys.readouterr()
    assert all(phase in told.err for phase in ("filling memories", "generating Verilog", "writing files"))
    assert "functions" not in told.err
