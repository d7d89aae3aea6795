"""The AWS custom logic in simulation, around stub cores; the cases are in `cocotb_aws.py`."""

import re
import zlib
from pathlib import Path

import pytest
from amaranth.back import verilog
from kernel_stub import Sizes

from rtlnn.platforms.aws.emission import memory_verilog
from rtlnn.platforms.aws.top import AwsTop
from rtlnn.sim.cocotb_runner import CocotbBench

HERE = Path(__file__).parent
DESIGN, INPUT_BYTES, OUTPUT_BYTES = 0x0123_4567_89AB_CDEF, 1 << 14, 1 << 15  # cocotb_aws's
CORES = {"ragged": Sizes(in_bytes=3, out_bytes=80, beats=13)}
CASES = re.findall(r"^@cocotb\.test.*\nasync def (\w+)", (HERE / "cocotb_aws.py").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Failure message of each case (None: passed)."""
    sizes, folder = CORES[request.param], tmp_path_factory.mktemp(request.param)
    top = AwsTop(sizes.interface, INPUT_BYTES, OUTPUT_BYTES, DESIGN)
    (folder / "core_aws.v").write_text(verilog.convert(top, name="core_aws", emit_src=False))
    (folder / "memory.v").write_text(memory_verilog(sizes.interface))
    sizes.save(folder)
    sources = [folder / "core_aws.v", folder / "memory.v", HERE / "stub_core.v"]
    bench = CocotbBench.build(sources, "core_aws", defines=sizes.defines)
    seed = zlib.crc32(request.param.encode())
    print(f"seed {seed}")
    return bench.run("cocotb_aws", folder, folder / "mem", seed=seed).outcomes


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("outcomes", CORES, indirect=True)
def test_aws_shell(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]
