"""A small network through everything that the benchmarks do; a planted fault is caught."""

import json
from pathlib import Path

import pytest

from benchmarks import cases
from benchmarks.__main__ import main
from benchmarks.building import build
from benchmarks.cases import Case
from benchmarks.figures import Figure, Limit
from benchmarks.measure import measure
from benchmarks.networks import Network
from benchmarks.networks.topology import Dense, Topology
from benchmarks.simulating import simulate
from rtlnn.errors import CheckFailed
from rtlnn.options import Options

TINY = Network("tiny", "made up", Topology((1, 3, 2), (Dense(4),)), bits=6)
CASE = Case(TINY, "target", Options("u200", target_interval=12), (Limit(Figure.INTERVAL, 12), Limit(Figure.DSP, 1)))


def test_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Measured, written, measured again without a change; then refused where the kept numbers are better."""
    root = tmp_path / "root"
    (root / "benchmarks").mkdir(parents=True)
    (root / "README.md").write_text("<!-- python -m benchmarks writes from here -->\n<!-- to here -->\n")
    monkeypatch.setattr(cases, "CASES", (CASE,))
    monkeypatch.setattr("benchmarks.__main__.HERE", root / "benchmarks")
    monkeypatch.setattr("benchmarks.__main__.ROOT", root)
    monkeypatch.setattr("benchmarks.__main__.commit_of", lambda root: "abc")
    arguments = ["--only", "tiny", "--keep", str(tmp_path / "builds")]
    assert main(arguments) == 0
    file = root / "benchmarks" / "results.json"
    kept = json.loads(file.read_text())
    (row,) = kept["rows"]
    assert row["figures"]["interval"] <= 12
    assert row["figures"]["dsp"] > 1
    assert [r["met"] for r in row["reach"]] == [True, False]
    assert 0 < row["figures"]["efficiency"] <= 1
    assert row["notes"]["macs"] == TINY.topology.macs
    row["figures"]["lut"] -= 1
    file.write_text(json.dumps(kept))
    planted = file.read_bytes()
    capsys.readouterr()
    assert main(arguments) == 1
    lut = row["figures"]["lut"]
    assert f"WORSE: tiny, target: LUT was {lut:,}, and is {lut + 1:,}" in capsys.readouterr().err
    assert file.read_bytes() == planted
    assert main([*arguments, "--accept"]) == 0
    assert json.loads(file.read_text())["rows"][0]["figures"]["lut"] == lut + 1
    assert main(["--only", "nothing of that name"]) == 2

    # a weight changed behind the design's back
    folder = tmp_path / "builds" / "tiny__target"
    changed = next(folder.glob("mem/*weight*"))
    words = changed.read_text().split()
    words[0] = format(int(words[0], 16) ^ 1, f"0{len(words[0])}x")
    changed.write_text("\n".join(words) + "\n")
    with pytest.raises(CheckFailed, match="values are wrong"):
        simulate(folder)


def test_target_out_of_reach_gives_the_fastest(tmp_path: Path) -> None:
    built = build(TINY.model(), Options("u200", target_interval=1, max_dsp=8), tmp_path / "build")
    assert built.shortfall is not None
    assert "1 cycles cannot be reached" in built.shortfall
    assert built.report["resources"]["dsp"] <= 8
    assert built.megabytes > 10


def test_nothing_fits(tmp_path: Path) -> None:
    found = measure(Case(TINY, "nothing fits", Options("u200", max_lut=1), ()), tmp_path, lambda step: None)
    assert not found.figures
    assert "the network is larger than allowed" in str(found.shortfall)
