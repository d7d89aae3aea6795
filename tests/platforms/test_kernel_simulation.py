"""The kernel in simulation, around stub cores of three pairs of widths.

The cases are in `cocotb_control.py`, `cocotb_kernel.py`, `cocotb_loading.py` and `cocotb_planted.py`. One build a core,
one simulation for all its cases; each case is a test here.
"""

import shutil

import pytest
from kernel_stub import Sizes
from stub_bench import STUB_CORE, cases, outcomes_of

from rtlnn.platforms import load_platform
from rtlnn.platforms.shells import emit_shell

WORKING, LOADING, FAULTY = "cocotb_control,cocotb_kernel", "cocotb_loading", "cocotb_planted"

CORES = {
    "narrow": Sizes(in_bytes=1, out_bytes=3, beats=41),
    "equal": Sizes(in_bytes=64, out_bytes=64, beats=9),
    "ragged": Sizes(in_bytes=80, out_bytes=3, beats=7),
}
LOADS = "loads"
SIZES = {**CORES, LOADS: Sizes(in_bytes=16, out_bytes=8, beats=9, weights=77)}


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Failure message of each case (None: passed), for a core and modules."""
    core, modules = request.param
    sizes, folder = SIZES[core], tmp_path_factory.mktemp(core)
    (folder / "rtl").mkdir()
    shutil.copy(STUB_CORE, folder / "rtl")
    emit_shell(sizes.interface, load_platform("u200"), folder)
    files = [folder / "kernel/rtl/core_kernel.v"]
    return outcomes_of(sizes, files, "core_kernel", modules, folder, f"{core} {modules}")


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
