"""Runs a cocotb bench on a build: its files, its results, its waves."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import CheckFailed
from rtlnn.sim.bench_config import CLOCK_NS, BenchConfig, Measured
from rtlnn.sim.cocotb_runner import CocotbBench
from rtlnn.sim.job import Job
from rtlnn.sim.result import Findings

__all__ = ["Bench", "run_bench"]

STALL = 0.25


@dataclass(frozen=True)
class Bench:
    """A cocotb bench: what it is called, its module, the top module it drives, and the Verilog files."""

    name: str
    module: str
    top: str
    files: tuple[Path, ...]


def run_bench(job: Job, bench: Bench, frames: int, findings: Findings) -> Measured | None:
    """Build the bench, run it on the first `frames` frames, keep its waves in `sim/` of the build folder.

    Returns what it measured, None if it broke off before.
    """
    job.progress(f"building the cocotb bench of the {bench.name}", 0, 1)
    started = time.perf_counter()
    design = CocotbBench.build(bench.files, bench.top, job.simulator, waves=job.waves, cache_dir=job.cache_dir)
    findings.build_seconds += time.perf_counter() - started
    step = f"cocotb bench of the {bench.name}"
    job.progress(step, 0, 1)
    with TemporaryDirectory(prefix="rtlnn-") as name:
        work = Path(name)
        config = BenchConfig(job.seed, STALL, job.quiet_limit)
        inputs, expected = ([a[:frames] for a in arrays] for arrays in (job.inputs, job.expected))
        config.save(work, job.folder.interface, inputs, expected)
        if job.folder.interface.weight_beats is not None:
            shutil.copy(job.folder.mem_dir / WEIGHTS_FILE, work)
        for port in job.folder.interface.weights.values():
            shutil.copy(job.folder.mem_dir / port.file, work)
        try:
            run = design.run(bench.module, work, job.folder.mem_dir, seed=job.seed)
        except CheckFailed as error:
            findings.break_off(step, str(error))
        else:
            findings.outcomes(run.outcomes)
            if not findings.cycles:  # the compiled harness did not run: its speed is the one to tell
                findings.cycles, findings.running_seconds = round(run.nanoseconds / CLOCK_NS), run.seconds
        job.progress(step, 1, 1)
        for file in [*work.glob("*.vcd"), *work.glob("*.fst")]:
            kept = job.folder.path / "sim" / f"{bench.name}{file.suffix}"
            kept.parent.mkdir(exist_ok=True)
            shutil.move(file, kept)
            findings.waves = str(kept.relative_to(job.folder.path))
        measured = Measured.load(work)
    if measured:
        findings.values(step, job.folder.interface, measured.outputs, expected)
    return measured
