"""The Zynq shell in simulation with its own Python driver, around stub cores; the cases are in `cocotb_zynq.py`."""

import pytest
from amaranth.back import verilog
from kernel_stub import Sizes
from stub_bench import cases, outcomes_of

from rtlnn.platforms.zynq.top import ZynqTop

DESIGN = 0x0123_4567_89AB_CDEF  # zynq_bench's
CORES = {"ragged": Sizes(in_bytes=3, out_bytes=5, beats=13), "wide": Sizes(in_bytes=20, out_bytes=1, beats=2)}


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Failure message of each case (None: passed)."""
    sizes, folder = CORES[request.param], tmp_path_factory.mktemp(request.param)
    text = verilog.convert(ZynqTop(sizes.interface, 8, DESIGN), name="core_zynq", emit_src=False)
    (folder / "core_zynq.v").write_text(text)
    return outcomes_of(sizes, [folder / "core_zynq.v"], "core_zynq", "cocotb_zynq", folder, request.param)


@pytest.mark.parametrize("case", cases("cocotb_zynq"))
@pytest.mark.parametrize("outcomes", CORES, indirect=True)
def test_zynq_shell(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]
