"""From a build folder to the cells that its core takes."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeAlias

from rtlnn.sim.build_folder import BuildFolder
from rtlnn.synthesis.arcs import LEVEL
from rtlnn.synthesis.family import Family
from rtlnn.synthesis.memories import memory_cells, memory_timing
from rtlnn.synthesis.modules import SourceModule, instance_counts, read_modules
from rtlnn.synthesis.paths import TimedModule, longest_path
from rtlnn.synthesis.result import Cells, ModuleCells, SynthResult
from rtlnn.synthesis.timing import Point
from rtlnn.synthesis.yosys import Yosys

__all__ = ["Progress", "synth"]

Progress: TypeAlias = Callable[[str, int, int], None]

_WORKERS = 2


def synth(build_dir: Path | str, progress: Progress | None = None, cache_dir: Path | None = None) -> SynthResult:
    """Count the cells of the core in `build_dir` with Yosys (`synth_xilinx`), for the family of the build's part.

    Every distinct module is synthesized once, by itself, and counted as often as it is instantiated; nothing is
    optimized across modules, but paths are followed across them. Memories of weights are counted by their size.
    `progress` is called with (step, done, total); results are kept in `cache_dir` (default: the user's cache folder).
    Raises `InputError` if the folder or the tool cannot be used, `CheckFailed` if Yosys refuses the design.
    """
    begin = time.monotonic()
    build = BuildFolder.open(Path(build_dir))
    # without the models of primitives, which only simulation takes
    modules = read_modules([file for file in build.core_files if file.parent.name == "rtl"])
    instances = instance_counts(modules, build.interface.top)
    family = Family.of(build.part)
    yosys = Yosys(family, cache_dir)

    def count(module: SourceModule) -> tuple[ModuleCells, TimedModule]:
        if module.memory is not None:
            cells, timing = memory_cells(module.memory), TimedModule(memory_timing(module.memory), {})
        else:
            found = yosys.count(module, [modules[name] for name in module.children])
            cells, timing = Cells.of(found.cells), TimedModule(found.timing, found.instances)
        number, memory, own = instances[module.name], module.memory is not None, timing.timing
        arriving, leaving = _levels(own.arriving), _levels(own.leaving)
        return ModuleCells(module.name, number, cells, own.longest, arriving, leaving, memory), timing

    # the longest first, so that the last ones are short
    order = sorted(instances, key=lambda name: -len(modules[name].text))
    counted: dict[str, tuple[ModuleCells, TimedModule]] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        jobs = {pool.submit(count, modules[name]): name for name in order}
        try:
            for job in as_completed(jobs):
                counted[jobs[job]] = job.result()
                if progress is not None:
                    progress("synthesizing modules", len(counted), len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    table = tuple(counted[name][0] for name in modules if name in counted)
    total = sum((m.cells * m.instances for m in table), Cells())
    top = build.interface.top
    path = longest_path({name: timing for name, (_, timing) in counted.items()}, top)
    seconds = time.monotonic() - begin
    return SynthResult(top, family, total, table, path, seconds, f"Yosys (pyosys {yosys.version})")


def _levels(paths: Mapping[Point, tuple[int, str]]) -> float:
    """Of the longest one."""
    return max((eighths for eighths, _ in paths.values()), default=0) / LEVEL
