"""Simulates the core of a build: long runs with the compiled harness, then the cocotb bench on a few frames."""

import numpy as np

from rtlnn.errors import CheckFailed
from rtlnn.sim.bench import Bench, run_bench
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.job import Job
from rtlnn.sim.result import Findings
from rtlnn.sim.simulators import Simulator
from rtlnn.sim.stream_run import NO_STALLS, StallMode, Stalls, StreamRun

__all__ = ["run_core"]

TIMING_FRAMES = 6  # three to fill the pipeline, three intervals to measure
STALLED_FRAMES = 64
STALLED_RUNS = {
    "random stalls": (Stalls(0.25), Stalls(0.25)),
    "bursts of stalls": (Stalls(0.4, StallMode.BURST), Stalls(0.4, StallMode.BURST)),
    "a sink that waits for valid": (NO_STALLS, Stalls(0.25, StallMode.PATIENT)),
}
BENCH_FRAMES = 4
BENCH_CYCLES = 100_000  # some 15,000 a second


def run_core(job: Job, findings: Findings) -> None:
    """Verilator: harness and bench; Icarus Verilog: the bench alone, on all frames."""
    interface = job.folder.interface
    bench = Bench("core", "rtlnn.sim.core_test", interface.top, job.folder.core_files)
    if job.simulator is Simulator.VERILATOR:
        _run_harness(job, findings)
        run_bench(job, bench, job.affordable(BENCH_CYCLES, BENCH_FRAMES), findings)
        return
    measured = run_bench(job, bench, job.frames, findings)
    if measured:
        # this bench's weights come as fast as they are taken
        exact = not interface.weights
        findings.first_frame("bench always_ready", measured.latency, interface.latency_cycles, exact)
        findings.steady("bench always_ready", measured.intervals, interface.interval_cycles, exact)


def _run_harness(job: Job, findings: Findings) -> None:
    """All frames without stalls, which measures latency and interval, then some under stalls of three kinds."""
    folder, interface = job.folder, job.folder.interface
    job.progress("building the simulator", 0, 1)
    core = compile_core(folder, job.cache_dir)
    findings.build_seconds += core.build_seconds
    job.progress("building the simulator", 1, 1)
    name = "no stalls"
    measured = _run(job, core, findings, name, max(job.frames, TIMING_FRAMES * interface.batch), NO_STALLS, NO_STALLS)
    if measured:
        findings.first_frame(name, measured.latency, interface.latency_cycles)
        findings.steady(name, [int(n) for n in measured.batch_intervals(interface.batch)], interface.interval_cycles)
    for name, (source, sink) in STALLED_RUNS.items():
        _run(job, core, findings, name, min(job.frames, STALLED_FRAMES), source, sink)


def _run(
    job: Job, core: CompiledCore, findings: Findings, name: str, count: int, source: Stalls, sink: Stalls
) -> StreamRun | None:
    """One run of `count` frames; None if it broke off."""
    order = np.arange(count) % job.frames  # few frames are sent again
    interval = job.folder.interface.interval_cycles

    def told(done: int, speed: float) -> None:
        job.progress(f"{name}: {speed:,.0f} cycles/s, {speed / interval:,.1f} frames/s", done, count)

    try:
        result = core.run(
            [array[order] for array in job.inputs],
            source_stall=source,
            sink_stall=sink,
            seed=job.seed,
            quiet_limit=job.quiet_limit,
            progress=told,
        )
    except CheckFailed as error:
        findings.break_off(name, str(error))
        return None
    outputs = [sink.values for sink in result.sinks]
    findings.values(name, job.folder.interface, outputs, [array[order] for array in job.expected])
    for violation in result.violations:
        findings.fail(name, violation)
    if result.frame_error:
        findings.fail(name, f"frame_error is high from cycle {result.frame_error_cycle}")
    findings.cycles += result.cycles
    findings.running_seconds += result.seconds
    return result
