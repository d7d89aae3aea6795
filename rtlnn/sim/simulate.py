"""Simulates a build and compares every output bit with the NumPy reference, and the timing with the plan."""

import importlib.util
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import InputError
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.uart.facts import LinkFacts
from rtlnn.sim.board_level import frame_cycles, run_board
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.inputs import Given, core_inputs
from rtlnn.sim.job import Job
from rtlnn.sim.reference import load as load_reference
from rtlnn.sim.result import Findings, Level, Progress, SimulationResult
from rtlnn.sim.simulators import Simulator, version

__all__ = ["Given", "simulate"]

SEED = 1
REFERENCE_BATCH = 64
DEFAULT_FRAMES = 64
TIMING_FRAMES = 4  # the fewest that show an interval after three frames
HARNESS_CYCLES = 20_000_000  # what the default number of frames may take: 300 k to several millions a second
LINE_FRAMES = 2  # the fewest that show that one follows another
LINE_CYCLES = 1_000_000  # of a board: 100 k to a million a second
BENCH_CYCLES = 400_000  # the same for cocotb: some thousands a second


def simulate(
    build_dir: Path | str,
    inputs: Given = None,
    frames: int | None = None,
    level: Level = Level.CORE,
    simulator: Simulator = Simulator.VERILATOR,
    waves: bool = False,
    progress: Progress | None = None,
    *,
    seed: int = SEED,
    cache_dir: Path | None = None,
) -> SimulationResult:
    """Simulate a build folder.

    Core level: with Verilator, all frames through the compiled harness (no stalls: latency and interval are compared
    with the plan; then up to 64 frames under stalls) and a few through the cocotb bench (stalls on both sides, resets);
    with Icarus Verilog, the cocotb bench on all frames. Kernel level: the cocotb bench with the host's register
    sequence and simulated DDR, all frames in one start, with and without stalls. Board and netlist level: the frames go
    over the serial line of the whole chip.

    Parameters
    ----------
    inputs : integer frames [N, H, W, C] or the path of a .npy with them, of several inputs an array each; default:
        random over the whole range
    frames : use so many (the first ones of `inputs`); default: all, or as many random ones as are quick (up to 64)
    waves : record the signals of the cocotb bench in `sim/` of the build folder
    progress : called with (step, done, total)
    seed : of random inputs and stalls
    cache_dir : where simulator builds are kept (default: the user's cache folder)

    Raises `InputError` if the folder, the inputs or the tools cannot be used, `BuildError` if the simulator refuses
    the design. Everything else that is wrong is in the result.
    """
    started = time.perf_counter()
    folder = BuildFolder.open(Path(build_dir))
    _check(folder, level, simulator, waves)
    from rtlnn.sim.core_level import run_core
    from rtlnn.sim.kernel_level import kernel_interval, run_kernel

    program = version(simulator)
    report = progress or _silent
    interface = folder.interface
    x, source = core_inputs(interface, inputs, frames, _default_frames(folder, level, simulator), seed)
    x = tuple(np.resize(array, (-(-len(array) // interface.batch) * interface.batch, *array.shape[1:])) for array in x)
    job = Job(folder, x, _expected(folder, x, report), simulator, waves, seed, report, cache_dir)
    findings = Findings()
    match level:
        case Level.CORE:
            run_core(job, findings)
        case Level.KERNEL:
            run_kernel(job, findings)
        case Level.BOARD | Level.NETLIST:
            run_board(job, findings, level is Level.NETLIST)
    return SimulationResult(
        level=level,
        bit_exact=not findings.mismatches and not findings.broken,
        mismatches=findings.mismatches,
        first_mismatch=findings.first_mismatch,
        failures=tuple(findings.failures),
        frames=len(x[0]),
        latency_cycles=findings.latency,
        interval_cycles=findings.interval,
        planned_latency_cycles=interface.latency_cycles,
        planned_interval_cycles=kernel_interval(interface) if level is Level.KERNEL else interface.interval_cycles,
        simulator=program,
        cycles=findings.cycles,
        cycles_per_second=findings.cycles / findings.running_seconds if findings.running_seconds else 0.0,
        seed=seed,
        inputs=source,
        benches=tuple(findings.benches),
        build_seconds=findings.build_seconds,
        seconds=time.perf_counter() - started,
        waves=findings.waves,
    )


def _check(folder: BuildFolder, level: Level, simulator: Simulator, waves: bool) -> None:
    """Raises `InputError` if the build, the options or the tools do not go with the level."""
    if level in (Level.BOARD, Level.NETLIST):
        LinkFacts.load(folder.path)
        if waves or simulator is not Simulator.VERILATOR:
            raise InputError(f"the level {level.value} runs in Verilator, and without waves")
        return
    if level is Level.KERNEL and not folder.kernel_files:
        raise InputError(f"{folder.path} has no kernel: its platform has no shell; simulate it with level core")
    if level is Level.KERNEL and not (folder.interface.kernel or "").endswith(VitisShell.suffix):
        raise InputError(f"the shell of {folder.path} is no Vitis kernel, which alone has this level; use level core")
    if any(importlib.util.find_spec(package) is None for package in ("cocotb", "cocotbext")):
        raise InputError("simulation needs cocotb; install with: pip install 'rtlnn[sim]'")


def _default_frames(folder: BuildFolder, level: Level, simulator: Simulator) -> int:
    """As many frames as are quick."""
    if level in (Level.BOARD, Level.NETLIST):
        return max(LINE_FRAMES, min(DEFAULT_FRAMES, LINE_CYCLES // frame_cycles(folder)))
    compiled = level is Level.CORE and simulator is Simulator.VERILATOR
    room = (HARNESS_CYCLES if compiled else BENCH_CYCLES) // folder.interface.interval_cycles
    return max(TIMING_FRAMES, min(DEFAULT_FRAMES, room))


def _expected(
    folder: BuildFolder, x: tuple[NDArray[np.int64], ...], progress: Progress
) -> tuple[NDArray[np.int64], ...]:
    """What the integer network gives at each output, computed in batches."""
    reference = load_reference(folder.path)
    shapes = [port.shape for port in folder.interface.outputs.values()]
    count = len(x[0])
    results: list[list[NDArray[np.int64]]] = [[] for _ in shapes]
    for start in range(0, count, REFERENCE_BATCH):
        progress("reference", start, count)
        made = reference.outputs(*(array[start : start + REFERENCE_BATCH] for array in x))
        for kept, array, shape in zip(results, made, shapes, strict=True):
            kept.append(np.asarray(array).reshape(-1, *shape))
    progress("reference", count, count)
    return tuple(np.concatenate(kept) for kept in results)


def _silent(step: str, done: int, total: int) -> None:
    """No progress report."""
