"""Four levels: an adder in blocks keeps them where a chain does not, and so does what lies across beats."""

from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.emit.verilog import convert
from rtlnn.layers.adder import add, adder_luts
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.synthesis import Cells, Family
from rtlnn.synthesis.modules import read_modules
from rtlnn.synthesis.timing import ModuleTiming
from rtlnn.synthesis.yosys import Yosys


class _Accumulator(wiring.Component):
    """total + x, in one chain or in blocks."""

    def __init__(self, bits: int, chain: bool) -> None:
        self.bits, self.chain = bits, chain
        super().__init__({"x": In(bits), "y": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x = Signal(self.bits, reset_less=True)
        m.d.sync += [x.eq(self.x), self.y.eq(x + self.y if self.chain else add(m, x, self.y, self.bits, "total"))]
        return m


def _synthesized(component: Elaboratable, folder: Path) -> tuple[Cells, ModuleTiming]:
    file = folder / "dut.v"
    file.write_text(convert({"dut": (component, None)})["dut"])
    (module,) = read_modules([file]).values()
    found = Yosys(Family.ULTRASCALE_PLUS, folder).count(module)
    return Cells.of(found.cells), found.timing


@pytest.mark.parametrize("bits", [24, 25, 40, 48])
def test_adders(bits: int, tmp_path: Path) -> None:
    cells, timing = _synthesized(_Accumulator(bits, False), tmp_path)
    assert timing.longest[0].levels <= 4
    assert abs(cells.lut - adder_luts(bits)) <= 8


def test_a_chain_is_longer(tmp_path: Path) -> None:
    assert _synthesized(_Accumulator(40, True), tmp_path)[1].longest[0].levels > 5


def test_beats_that_lie_across_each_other(tmp_path: Path) -> None:
    source, target = (StreamFormat(n, 8, True, 56, 4) for n in (8, 7))
    config = GearboxConfig(source, target)
    cells, timing = _synthesized(config.component(), tmp_path)
    assert timing.longest[0].levels <= 4
    assert abs(cells.ff - config.resources.ff) <= 4
    assert abs(cells.lut - config.resources.lut) <= 0.2 * cells.lut
