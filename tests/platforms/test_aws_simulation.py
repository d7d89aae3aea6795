"""The AWS custom logic in simulation, around stub cores; the cases are in `cocotb_aws.py`."""

import pytest
from amaranth.back import verilog
from kernel_stub import Sizes
from stub_bench import cases, outcomes_of

from rtlnn.platforms.aws.emission import memory_verilog
from rtlnn.platforms.aws.top import AwsTop

DESIGN, INPUT_BYTES, OUTPUT_BYTES = 0x0123_4567_89AB_CDEF, 1 << 14, 1 << 15  # cocotb_aws's
CORES = {"ragged": Sizes(in_bytes=3, out_bytes=80, beats=13)}


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Failure message of each case (None: passed)."""
    sizes, folder = CORES[request.param], tmp_path_factory.mktemp(request.param)
    top = AwsTop(sizes.interface, INPUT_BYTES, OUTPUT_BYTES, DESIGN)
    (folder / "core_aws.v").write_text(verilog.convert(top, name="core_aws", emit_src=False))
    (folder / "memory.v").write_text(memory_verilog(sizes.interface))
    files = [folder / "core_aws.v", folder / "memory.v"]
    return outcomes_of(sizes, files, "core_aws", "cocotb_aws", folder, request.param)


@pytest.mark.parametrize("case", cases("cocotb_aws"))
@pytest.mark.parametrize("outcomes", CORES, indirect=True)
def test_aws_shell(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]
