"""A real design in a simulator that knows unknown values, with models of primitives in place of ours."""

import re
import shutil
from pathlib import Path

import pytest

import rtlnn
from rtlnn.sim.simulate import simulate
from rtlnn.sim.simulators import Simulator

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "mlp_int8.onnx"
GLBL = """\
`timescale 1 ps / 1 ps
module glbl;
  reg GSR = 1;
  initial #100000 GSR = 0;
endmodule
"""

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")


def test_a_model_that_starts_in_a_global_reset(tmp_path):
    """As the vendor's do: nothing of the design may depend on what the slices hold before, nor stay unknown."""
    build = tmp_path / "build"
    rtlnn.build(MODEL, build, rtlnn.Options("u200", target_interval=256))
    own = build / "sim" / "DSP48E2.v"
    text, count = re.subn(r"if \((RST\w+)\)", r"if (\1 || glbl.GSR)", own.read_text())
    assert count >= 8
    own.write_text(text)
    (build / "sim" / "glbl.v").write_text(GLBL)
    (build / "sim" / "files.f").write_text("DSP48E2.v\nglbl.v\n")
    result = simulate(build, simulator=Simulator.ICARUS, frames=2)
    assert result.passed, result.failures
    # a slice that does not multiply is noticed
    own.write_text(text.replace("m <= a_multiplier * b2", "m <= a_multiplier"))
    result = simulate(build, simulator=Simulator.ICARUS, frames=1)
    assert not result.bit_exact
