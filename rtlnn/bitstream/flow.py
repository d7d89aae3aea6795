"""Synthesis, placement, routing, packing; each tool in a process of its own."""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtlnn.bitstream.families import FAMILIES, FamilyTools
from rtlnn.bitstream.result import BitstreamResult, CriticalPath, Usage
from rtlnn.bitstream.tools import call, check_installed, run_tool
from rtlnn.errors import InputError
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.uart.facts import LINK_FILE, NETLIST_FILE
from rtlnn.platforms.uart.shell import UartShell
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["Progress", "check_board", "make_bitstream"]

Progress = Callable[[str], None]

RESULT_FILE = "kernel/bitstream.json"
_SEEDS = (1, 2, 3)
"""Placements to try until one reaches the clock: their clocks differ by some percent."""
_WORKER = Path(__file__).with_name("worker.py")
_MODELS = Path(__file__).parents[1] / "sim" / "models"


def make_bitstream(
    build_dir: Path | str, platform: Platform, progress: Progress = lambda step: None, seeds: Sequence[int] = _SEEDS
) -> BitstreamResult:
    """Make the bitstream of a build for the board `platform`, in the folder `kernel` of the build.

    Beside it lie `bitstream.json`, the result, and `netlist.v`, what Yosys made, for simulation. Where no placement
    reaches the clock, there is no bitstream, and the result, which says why, is of the fastest one.
    Raises `InputError` if the board has no free tools, or they are not installed; `DoesNotFit`; `CheckFailed` if a tool
    fails.
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
        _synthesize(folder, shell, work)
        shutil.copy(work / "netlist.v", folder.path / NETLIST_FILE)
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
            run_tool(call(tools.pack, tools.pack_arguments(shell, file)), work, "the packer")
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
    check_installed("pyosys", tools.place[0].partition(".")[0], tools.pack[0].partition(".")[0])
    return shell


def _synthesize(folder: BuildFolder, shell: UartShell, work: Path) -> None:
    """Write the netlists `board.json` and `netlist.v` to the folder `work`. Raises `CheckFailed` if Yosys fails."""
    files = [str(path.resolve()) for path in (*folder.core_files, *folder.kernel_files)]
    job = {"files": files, "mem": str(folder.mem_dir.resolve()), "top": folder.interface.kernel}
    tools = FAMILIES[shell.family]
    job |= {"multipliers": list(tools.multipliers(shell)), "command": tools.synthesis(shell)}
    job |= {"json": "board.json", "verilog": "netlist.v"}
    job |= {"tables": str(_MODELS / shell.family.value / "tables.v")}
    (work / "job.json").write_text(json.dumps(job))
    run_tool([sys.executable, "-I", str(_WORKER), "job.json"], work, "Yosys")


def _place(
    tools: FamilyTools, shell: UartShell, platform: Platform, work: Path, pins: str, seed: int
) -> BitstreamResult:
    arguments = [*tools.place_arguments(shell, pins), "--json", "board.json", "--report", "report.json"]
    arguments += ["--freq", f"{platform.clock_mhz:g}", "--seed", str(seed), "--timing-allow-fail"]
    run_tool(call(tools.place, arguments), work, "nextpnr", platform.name)
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
