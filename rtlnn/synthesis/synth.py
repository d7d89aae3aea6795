"""From a build folder to the cells that its core takes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeAlias

from rtlnn.layers.rom import rom_resources
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.synthesis.modules import SourceModule, instance_counts, read_modules
from rtlnn.synthesis.result import Cells, ModuleCells, SynthResult
from rtlnn.synthesis.yosys import Yosys

__all__ = ["Progress", "synth"]

Progress: TypeAlias = Callable[[str, int, int], None]

_WORKERS = 2


def synth(build_dir: Path | str, progress: Progress | None = None, cache_dir: Path | None = None) -> SynthResult:
    """Count the cells of the core in `build_dir` with Yosys, for UltraScale+ (`synth_xilinx -family xcup`).

    Every distinct module is synthesized once, by itself, and counted as often as it is instantiated; nothing is
    optimized across modules. Read-only memories are counted by their size. `progress` is called with (step, done,
    total); results are kept in `cache_dir` (default: the user's cache folder).
    Raises `InputError` if the folder or the tool cannot be used, `CheckFailed` if Yosys refuses the design.
    """
    begin = time.monotonic()
    build = BuildFolder.open(Path(build_dir))
    # without the models of primitives, which only simulation takes
    modules = read_modules([file for file in build.core_files if file.parent.name == "rtl"])
    instances = instance_counts(modules, build.interface.top)
    yosys = Yosys(cache_dir)

    def count(module: SourceModule) -> ModuleCells:
        number = instances[module.name]
        if module.rom is not None:
            return ModuleCells(module.name, number, _rom_cells(*module.rom), 0, True)
        found = yosys.count(module, [modules[name] for name in module.children])
        return ModuleCells(module.name, number, Cells.of(found.cells), found.depth, False)

    # the longest first, so that the last ones are short
    order = sorted(instances, key=lambda name: -len(modules[name].text))
    counted: dict[str, ModuleCells] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        jobs = [pool.submit(count, modules[name]) for name in order]
        try:
            for job in as_completed(jobs):
                counted[job.result().name] = job.result()
                if progress is not None:
                    progress("synthesizing modules", len(counted), len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    table = tuple(counted[name] for name in modules if name in counted)
    total = sum((m.cells * m.instances for m in table), Cells())
    return SynthResult(build.interface.top, total, table, time.monotonic() - begin, f"Yosys (pyosys {yosys.version})")


def _rom_cells(words: int, bits: int) -> Cells:
    """What a read-only memory takes; half block RAMs are those of 18 Kbit."""
    cost = rom_resources(words, bits)
    return Cells(lut=cost.lut, ff=cost.ff, bram36=int(cost.bram36), bram18=int(cost.bram36 % 1 * 2))
