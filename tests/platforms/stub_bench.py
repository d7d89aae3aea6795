"""Shells in simulation around the stub core: one build, one simulation for all cases of cocotb modules."""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from kernel_stub import Sizes

from rtlnn.sim.cocotb_runner import CocotbBench

__all__ = ["STUB_CORE", "cases", "outcomes_of"]

HERE = Path(__file__).parent
STUB_CORE = HERE / "stub_core.v"


def cases(modules: str) -> list[str]:
    """Names of the cases in modules (separated by commas) that only the simulator can import."""
    text = "".join((HERE / f"{module}.py").read_text() for module in modules.split(","))
    return re.findall(r"^@cocotb\.test.*\nasync def (\w+)", text, re.MULTILINE)


def outcomes_of(
    sizes: Sizes, shell_files: Sequence[Path], top: str, modules: str, folder: Path, label: str
) -> dict[str, str | None]:
    """Failure message of each case (None: passed); the seed is that of `label`."""
    sizes.save(folder)
    bench = CocotbBench.build([*shell_files, STUB_CORE], top, defines=sizes.defines)
    seed = zlib.crc32(label.encode())
    print(f"seed {seed} ({label})")
    return bench.run(modules, folder, folder / "mem", seed=seed).outcomes
