"""Synthesis, placement, routing, packing; each tool in a process of its own."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtlnn.bitstream.families import FAMILIES, FamilyTools
from rtlnn.bitstream.result import BitstreamResult, CriticalPath, Usage
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.uart.emission import LINK_FILE
from rtlnn.platforms.uart.shell import UartShell
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["Progress", "check_board", "make_bitstream", "synthesize"]

Progress = Callable[[str], None]

RESULT_FILE = "kernel/bitstream.json"
_SEEDS = (1, 2, 3)
"""Placements to try until one reaches the clock: their clocks differ by some percent."""
_WORKER = Path(__file__).with_name("worker.py")
_CALL = "import sys; from {module} import {function} as run; sys.exit(run(*{arguments}))"


def make_bitstream(
    build_dir: Path | str, platform: Platform, progress: Progress = lambda step: None, seeds: Sequence[int] = _SEEDS
) -> BitstreamResult:
    """Make the bitstream of a build for the board `platform`, in the folder `kernel` of the build.

    Beside it lies `bitstream.json`, the result. Where no placement reaches the clock, there is no bitstream, and the
    result, which says why, is of the fastest one.
    Raises `InputError` if the board has no free tools, they are not installed, or the design does not fit the chip;
    `CheckFailed` if a tool fails.
    """
    shell = check_board(platform)
    folder = BuildFolder.open(Path(build_dir))
    tools, top = FAMILIES[shell.family], folder.interface.kernel
    if top is None or not (folder.path / LINK_FILE).is_file():
        raise InputError(f"{build_dir} was not built for {platform.name}; build it again with this platform")
    (pins,) = (path for path in (folder.path / "kernel").glob(f"{top}.*") if path.suffix in (".lpf", ".pcf", ".cst"))
    for stale in (folder.path / "kernel").glob(f"{top}{tools.suffix}"):
        stale.unlink()
    with tempfile.TemporaryDirectory(prefix="rtlnn-bitstream-") as name:
        work = Path(name)
        progress("synthesizing")
        synthesize(folder, shell, work)
        shutil.copy(pins, work / pins.name)
        best: tuple[BitstreamResult, bytes] | None = None
        for seed in seeds:
            progress(f"placing and routing (placement {seed})")
            result = _place(tools, shell, platform, work, pins.name, seed)
            if best is None or result.achieved_mhz > best[0].achieved_mhz:
                best = result, (work / "routed").read_bytes()
            if result.met:
                break
        assert best is not None, "there is a seed"
        result = best[0]
        if result.met:
            progress("packing")
            file = f"{top}{tools.suffix}"
            _run(_call(tools.pack, tools.pack_arguments(shell, file)), work, "the packer")
            shutil.copy(work / file, folder.path / "kernel" / file)
            result = replace(result, file=f"kernel/{file}")
    (folder.path / RESULT_FILE).write_text(result.to_json())
    return result


def check_board(platform: Platform) -> UartShell:
    """Raises `InputError` if there are no free tools for the platform's chip, or they are not installed."""
    shell = platform.shell
    if not isinstance(shell, UartShell):
        raise InputError(f"there are no free tools for a bitstream of {platform.name}; choose a board such as ulx3s")
    tools = FAMILIES[shell.family]
    _check_installed("pyosys", tools.place[0].partition(".")[0], tools.pack[0].partition(".")[0])
    return shell


def synthesize(folder: BuildFolder, shell: UartShell, work: Path) -> None:
    """Write the netlists `board.json` and `board.v` to the folder `work`. Raises `CheckFailed` if Yosys fails."""
    _check_installed("pyosys")
    files = [str(path.resolve()) for path in (*folder.core_files, *folder.kernel_files)]
    job = {"files": files, "mem": str(folder.mem_dir.resolve()), "top": folder.interface.kernel}
    job |= {"command": FAMILIES[shell.family].synthesis(shell), "json": "board.json", "verilog": "board.v"}
    (work / "job.json").write_text(json.dumps(job))
    _run([sys.executable, "-I", str(_WORKER), "job.json"], work, "Yosys")


def _place(
    tools: FamilyTools, shell: UartShell, platform: Platform, work: Path, pins: str, seed: int
) -> BitstreamResult:
    arguments = [*tools.place_arguments(shell, pins), "--json", "board.json", "--report", "report.json"]
    arguments += ["--freq", f"{platform.clock_mhz:g}", "--seed", str(seed), "--timing-allow-fail"]
    _run(_call(tools.place, arguments), work, "nextpnr", platform.name)
    report = json.loads((work / "report.json").read_text())
    clocks = [(clock["achieved"], clock["constraint"]) for clock in report["fmax"].values()]
    achieved, wanted = min(clocks, key=lambda c: c[0] / c[1], default=(float("inf"), platform.clock_mhz))
    return BitstreamResult(None, wanted, achieved, seed, _usage(tools, report), CriticalPath.of(report))


def _usage(tools: FamilyTools, report: Any) -> dict[str, Usage]:
    usage = {}
    for kind, types in tools.cells.items():
        found = [report["utilization"][name] for name in types if name in report["utilization"]]
        usage[kind] = Usage(sum(f["used"] for f in found), max((f["available"] for f in found), default=0))
    return usage


def _call(function: tuple[str, str], arguments: Sequence[str]) -> list[str]:
    """The command that runs a tool of a wheel in this Python."""
    module, name = function
    if name == "main":  # takes its arguments from the command line
        return [sys.executable, "-m", module, *arguments]
    code = _CALL.format(module=module, function=name, arguments="[sys.argv[1:]]")
    return [sys.executable, "-c", code, *arguments]


def _check_installed(*modules: str) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"a bitstream needs {', '.join(missing)}; install with: pip install 'rtlnn[open]'")


def _run(command: Sequence[str], work: Path, what: str, chip: str = "") -> None:
    """Run a tool in `work`. Raises `InputError` if the design does not fit the chip, `CheckFailed` if it fails."""
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env=dict(os.environ))
    if not done.returncode:
        return
    lines = (done.stdout + done.stderr).strip().splitlines()
    short = [
        f"{match[1]} {int(match[2]):,} of {int(match[3]):,}"
        for line in lines
        if (match := re.match(r"Info:\s+(\w+): +(\d+)/ *(\d+) ", line)) and int(match[2]) > int(match[3])
    ]
    if chip and short:
        raise InputError(
            f"the design does not fit {chip}: {'; '.join(short)}. Build a smaller one: a larger --target-interval, or "
            "a smaller --max-lut, --max-dsp or --max-bram"
        )
    errors = [line for line in lines if "ERROR" in line] or lines[-5:]
    raise CheckFailed("\n".join([f"{what} failed:", *errors[:10]]))
