"""Simulates builds: every bit, every cycle; a design that was simulated before is not simulated again."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import rtlnn.sim
from rtlnn.errors import CheckFailed
from rtlnn.sim.build_folder import BuildFolder, random_frames
from rtlnn.sim.compiled import compile_core, quiet_limit
from rtlnn.sim.reference import load
from rtlnn.sim.stream_run import NO_STALLS, Stalls
from rtlnn.sim.toolchain import default_cache_dir

__all__ = ["Cycles", "simulate"]

FRAMES = 6
"""Three until the interval is steady, three to measure it. The first two are the extremes of the range."""
SEED = 1
STALLED = Stalls(0.25)


@dataclass(frozen=True)
class Cycles:
    """What was measured in simulation, source and sink always ready."""

    latency: int
    interval: int


def simulate(folder: Path, cache_dir: Path | None = None) -> Cycles:
    """Random frames back to back, without stalls and with stalls on both sides.

    Raises `CheckFailed` if a bit differs from the reference, or latency or interval from the plan.
    """
    cache = (cache_dir or default_cache_dir()) / "benchmarks"
    kept = cache / f"{_digest(folder)}.json"
    if kept.exists():
        os.utime(kept)
        return Cycles(**json.loads(kept.read_text()))
    build, reference = BuildFolder.open(folder), load(folder)
    core = compile_core(build, cache_dir)
    frames = random_frames(build.interface.input, FRAMES, SEED)
    expected, quiet = reference.run(frames), quiet_limit(build.interface)
    for stalls in (STALLED, NO_STALLS):
        run = core.run(frames, source_stall=stalls, sink_stall=stalls, seed=SEED, quiet_limit=quiet)
        run.check(expected.reshape(run.outputs.shape))
    # a constant output would hide every fault
    if (expected == expected[:1]).all():
        raise CheckFailed(f"{build.interface.top}: all frames have the same result, which checks nothing")
    measured = Cycles(run.latency, int(np.max(run.steady_intervals)))
    planned = Cycles(build.interface.latency_cycles, build.interface.interval_cycles)
    if measured != planned:
        raise CheckFailed(f"{build.interface.top}: simulated {measured}, planned {planned}")
    cache.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(measured)))
    partial.replace(kept)
    return measured


def _digest(folder: Path) -> str:
    """Of everything that the result follows from: the design, its reference, and what simulates it."""
    parts = [folder / name for name in ("interface.json", "network.npz")]
    parts += sorted(file for part in ("rtl", "mem", "sim") for file in (folder / part).glob("*") if file.is_file())
    tools = Path(rtlnn.sim.__file__).parent
    parts += sorted(file for pattern in ("*.py", "*.cpp") for file in tools.glob(pattern))
    parts.append(Path(__file__))
    digest = hashlib.sha256()
    for file in parts:
        digest.update(f"{file.name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
