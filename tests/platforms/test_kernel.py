"""The kernel in simulation: the cases of `cocotb_kernel.py`, around stub cores of three pairs of widths.

One build a core, one simulation for all its cases; each case is a test here.
"""

import contextlib
import os
import re
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest
from cocotb_tools.runner import Verilator

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.platforms import load_platform
from rtlnn.platforms.shells import emit_shell
from rtlnn.sim.toolchain import default_cache_dir, find_toolchain

HERE = Path(__file__).parent

CORES = {  # bytes in, bytes out, beats a frame
    "narrow": (1, 3, 100),
    "equal": (64, 64, 9),
    "ragged": (80, 3, 7),
}

CASES = re.findall(r"^@cocotb\.test.*\nasync def (\w+)", (HERE / "cocotb_kernel.py").read_text(), re.MULTILINE)


def interface(in_bytes: int, out_bytes: int, beats: int) -> Interface:
    def port(width: int) -> StreamPort:
        return StreamPort((1, beats, width), width, 8, 8, False, 1.0, 0)

    return Interface("core", "core_kernel", port(in_bytes), port(out_bytes), 1, beats)


class Runner(Verilator):
    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(find_toolchain().executable)

    def _set_env_build(self) -> None:
        super()._set_env_build()
        self.env.update(find_toolchain().environment(default_cache_dir()))


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Case to failure message (None: passed) of one core."""
    sizes = CORES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    emit_shell(interface(*sizes), load_platform("u200"), folder)
    defines = dict(zip(("STUB_IN_BYTES", "STUB_OUT_BYTES", "STUB_BEATS"), sizes, strict=True))
    Runner().build(
        sources=[folder / "kernel/rtl/core_kernel.v", HERE / "stub_core.v"],
        hdl_toplevel="core_kernel",
        build_dir=folder / "build",
        defines=defines,
        build_args=["-Wno-fatal"],
        timescale=("1ns", "1ps"),
    )
    environment = {name: str(value) for name, value in defines.items()}
    environment["COCOTB_RANDOM_SEED"] = str(zlib.crc32(request.param.encode()))
    environment["PYTHONPATH"] = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    results = folder / "results.xml"
    with contextlib.suppress(SystemExit):  # raised if a case failed, which is told below
        Runner().test(
            hdl_toplevel="core_kernel",
            hdl_toplevel_lang="verilog",
            test_module="cocotb_kernel",
            build_dir=folder / "build",
            test_dir=folder,
            results_xml=str(results),
            extra_env=environment,
        )
    found: dict[str, str | None] = {}
    for case in ET.parse(results).iter("testcase"):
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        found[case.attrib["name"]] = (
            None if failure is None else failure.attrib.get("message", "") or failure.text or "failed"
        )
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("outcomes", CORES, indirect=True)
def test_kernel(outcomes: dict[str, str | None], case: str) -> None:
    assert case in outcomes, "the case did not run"
    assert outcomes[case] is None, outcomes[case]
