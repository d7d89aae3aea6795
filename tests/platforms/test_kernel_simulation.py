"""The kernel in simulation, around stub cores of three pairs of widths.

The cases are in `cocotb_control.py`, `cocotb_kernel.py`, `cocotb_loading.py` and `cocotb_planted.py`. One build a core,
one simulation for all its cases; each case is a test here.
"""

import re
import shutil
import zlib
from pathlib import Path

import pytest
from kernel_stub import Sizes

from rtlnn.platforms import load_platform
from rtlnn.platforms.shells import emit_shell
from rtlnn.sim.cocotb_runner import CocotbBench

HERE = Path(__file__).parent

WORKING, LOADING, FAULTY = "cocotb_control,cocotb_kernel", "cocotb_loading", "cocotb_planted"

CORES = {
    "narrow": Sizes(in_bytes=1, out_bytes=3, beats=41),
    "equal": Sizes(in_bytes=64, out_bytes=64, beats=9),
    "ragged": Sizes(in_bytes=80, out_bytes=3, beats=7),
}
LOADS = "loads"
SIZES = {**CORES, LOADS: Sizes(in_bytes=16, out_bytes=8, beats=9, weights=77)}


def cases(modules: str) -> list[str]:
    """Names of the cases in modules (separated by commas) that only the simulator can import."""
    text = "".join((HERE / f"{module}.py").read_text() for module in modules.split(","))
    return re.findall(r"^@cocotb\.test.*\nasync def (\w+)", text, re.MULTILINE)


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Failure message of each case (None: passed), for a core and modules."""
    core, modules = request.param
    sizes, folder = SIZES[core], tmp_path_factory.mktemp(core)
    (folder / "rtl").mkdir()
    shutil.copy(HERE / "stub_core.v", folder / "rtl")
    emit_shell(sizes.interface, load_platform("u200"), folder)
    sizes.save(folder)
    sources = [folder / "kernel/rtl/core_kernel.v", folder / "rtl/stub_core.v"]
    bench = CocotbBench.build(sources, "core_kernel", defines=sizes.defines)
    seed = zlib.crc32(f"{core} {modules}".encode())
    print(f"seed {seed} ({core} {modules})")
    return bench.run(modules, folder, folder / "mem", seed=seed).outcomes


@pytest.mark.parametrize("case", cases(WORKING))
@pytest.mark.parametrize("outcomes", [(core, WORKING) for core in CORES], indirect=True, ids="-".join)
def test_kernel(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]


@pytest.mark.parametrize("case", cases(LOADING))
@pytest.mark.parametrize("outcomes", [(LOADS, LOADING)], indirect=True, ids="-".join)
def test_kernel_that_loads_weights(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]


@pytest.mark.parametrize("case", cases(FAULTY))
@pytest.mark.parametrize("outcomes", [("equal", FAULTY)], indirect=True, ids="-".join)
def test_planted_fault_is_noticed(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]
