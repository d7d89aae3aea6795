"""What `rtlnn synth` shows."""

import pytest

from rtlnn.cli.synthesis_table import print_cells
from rtlnn.synthesis import Cells, Family, ModuleCells, Path, SynthResult


def _module(name: str, cells: Cells, instances: int = 1, memory: bool = False) -> ModuleCells:
    paths = () if memory else (Path(3.25, f"{name}_a", "b[1]"), Path(2.0, "c", f"{name}_d.CE"))
    return ModuleCells(name, instances, cells, paths, 1.5, 0.125, memory)


def test_cells_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    modules = (
        _module("net_one__weight0", Cells(bram36=2), memory=True),
        _module("net_one__weight1", Cells(bram36=3), memory=True),
        _module("net_two__weight", Cells(lut=7), memory=True),
        _module("net_one", Cells(lut=40, dsp=2), instances=3),
    )
    result = SynthResult("net", Family.SERIES_7, Cells(lut=127), modules, Path(5.0, "x", "one.y"), 1.0, "Yosys")
    print_cells(result, paths=2)
    text = capsys.readouterr().out
    assert "net_one__*" in text
    assert "net_one__weight" not in text
    assert "net_two__weight" in text
    lines = text.splitlines()
    (memories,) = (line for line in lines if "net_one__*" in line)
    assert [word for word in memories.split() if word.isdigit()] == ["2", "0", "0", "0", "0", "0", "5", "0", "0", "0"]
    (layer,) = (line for line in lines if "net_one " in line and "│" in line)
    assert [word for word in layer.split() if word[0].isdigit()] == [
        *("3", "120", "0", "0", "0", "6", "0", "0", "0", "0"), "3.25",
    ]  # fmt: skip
    assert "net_one: 1.5 levels from its ports, 0.125 to them" in text
    assert "  3.25 levels from net_one_a to b[1]\n  2 levels from c to net_one_d.CE\n" in text
    assert "the whole design, across modules: 5 levels from x to one.y" in text
    print_cells(result, paths=0)
    assert "net_one_a" not in capsys.readouterr().out
