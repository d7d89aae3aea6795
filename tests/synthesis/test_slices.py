"""Columns of the packed array become what they are meant to be, and cost what their estimate says."""

from pathlib import Path

import pytest

from rtlnn.emit.verilog import convert
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.mac_column import Accumulation, Chains, ColumnConfig
from rtlnn.synthesis import Cells, Family
from rtlnn.synthesis.modules import read_modules
from rtlnn.synthesis.timing import ModuleTiming
from rtlnn.synthesis.yosys import Yosys


def _synthesized(config: ColumnConfig, family: Family, folder: Path) -> tuple[Cells, ModuleTiming]:
    file = folder / "column.v"
    file.write_text(convert({"column": (config.component(), None)})["column"])
    (module,) = read_modules([file]).values()
    found = Yosys(family, folder).count(module)
    return Cells.of(found.cells), found.timing


@pytest.mark.parametrize(
    ("lanes", "chains", "packed", "shared"),
    [(2, Chains((3, 3)), (7, True), (8, False)), (1, Chains((2,)), (16, True), (16, True))],
    ids=["pair", "single"],
)
def test_a_dsp48e1_takes_all_but_the_sums(
    lanes: int, chains: Chains, packed: tuple[int, bool], shared: tuple[int, bool], tmp_path: Path
) -> None:
    sum_bits = 17 if lanes == 2 else 33
    config = ColumnConfig(
        lanes, chains, *packed, *shared, 18, sum_bits, sum_bits + 3, Accumulation.FABRIC, Arithmetic.DSP48E1
    )
    cells, timing = _synthesized(config, Family.SERIES_7, tmp_path)
    estimate = config.resources
    assert (cells.dsp, cells.ff) == (estimate.dsp, estimate.ff)
    assert abs(cells.lut - estimate.lut) <= 4
    assert timing.longest[0].levels < 6


@pytest.mark.parametrize("lengths", [(2,), (2, 1), (1, 1, 1)], ids=str)
def test_two_sums_share_a_slice(lengths: tuple[int, ...], tmp_path: Path) -> None:
    """No LUT but for a third chain; all else is in the slices."""
    config = ColumnConfig(2, Chains(lengths), 8, True, 8, False, 18, 18, 23, Accumulation.DUAL)
    cells, timing = _synthesized(config, Family.ULTRASCALE_PLUS, tmp_path)
    estimate = config.resources
    assert cells.dsp == estimate.dsp == sum(lengths) + 1
    assert abs(cells.lut - estimate.lut) <= 2
    assert abs(cells.ff - estimate.ff) <= 4
    assert not timing.longest or timing.longest[0].levels <= 4
