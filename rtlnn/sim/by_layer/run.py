"""Shares the layers of a build among worker processes, by Dask: on this machine, or on a cluster."""

import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtlnn.errors import InputError
from rtlnn.extensions import load_extensions
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.by_layer.jobs import Layers
from rtlnn.sim.by_layer.result import LayerResult, LayersResult
from rtlnn.sim.by_layer.work import ModuleJob, run_module
from rtlnn.sim.inputs import Given, core_inputs
from rtlnn.sim.result import Progress
from rtlnn.sim.simulators import Simulator, version

__all__ = ["DEFAULT_FRAMES", "simulate_layers"]

DEFAULT_FRAMES = 2
"""The fewest that show whether a frame disturbs the next one."""

EXTREMES = 2
SEED = 1


def simulate_layers(
    build_dir: Path | str,
    inputs: Given = None,
    frames: int | None = None,
    layers: Sequence[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    *,
    platform: Path | str | None = None,
    stalls: bool = True,
    seed: int = SEED,
) -> LayersResult:
    """Simulate the layers of a build folder one by one, each fed with the reference's tensors.

    Every layer runs all frames back to back without stalls, where every handshake on both sides must be in the cycle
    that the schedule says, and again with random stalls on both sides; all output bits are compared.

    Parameters
    ----------
    inputs : of the network: integer frames [N, H, W, C] or the path of a .npy file with them, an array each of several
        inputs; default: random over the whole range
    frames : use so many (default: all that are given, or 2 random ones)
    layers : names, as in plan.json; default: all
    workers : processes on this machine (default: one for each processor)
    scheduler : address of a Dask scheduler in place of processes on this machine; its workers need rtlnn[sim], too
    progress : called with (step, done, total)
    platform : name or file, where the plan's is a file of the user's own
    stalls : whether there is a second run, with stalls
    seed : of random inputs and stalls

    Raises `InputError` if the folder, the inputs or the tools cannot be used, `BuildError` if the simulator refuses a
    module. Everything else that is wrong is in the result.
    """
    started = time.perf_counter()
    if importlib.util.find_spec("distributed") is None:
        raise InputError("simulation by layers shares work by Dask; install with: pip install 'rtlnn[sim,cluster]'")
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers can do nothing; give at least 1")
    load_extensions()
    program = version(Simulator.VERILATOR)
    folder = BuildFolder.open(Path(build_dir))
    # of random frames the first two are extremes, all pixels alike
    random = None if inputs is not None else (frames or DEFAULT_FRAMES) + EXTREMES
    x, source = core_inputs(folder.interface, inputs, random or frames, 0, seed)
    x = tuple(array[EXTREMES:] for array in x) if random else x
    chosen = Layers.of(folder, platform, layers)
    configurations = chosen.configurations
    count = min(workers or os.cpu_count() or 1, len(configurations))
    found: dict[str, LayerResult] = {}
    with _client(count, scheduler) as client:
        made = _done(client, chosen.jobs(x, stalls, seed))
        for results in made:
            found |= {result.module: result for result in results}
            if progress:
                progress(_speed(found, time.perf_counter() - started), len(found), len(chosen.modules))
        processes = len(client.scheduler_info(n_workers=-1)["workers"])
    return LayersResult(
        layers=tuple(found[module] for module in chosen.modules),
        modules=len(configurations),
        workers=processes,
        simulator=program,
        inputs=source,
        seed=seed,
        seconds=time.perf_counter() - started,
    )


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Any]:
    """A Dask client of `scheduler`, or of `workers` processes that end with it."""
    import dask
    from distributed import Client, LocalCluster

    # compilers and models need memory of their own, which Dask must not take for a leak of the worker
    quiet = {
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    with dask.config.set(quiet):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout="10s")
            except (OSError, TimeoutError, ValueError) as error:
                raise InputError(f"no Dask scheduler answers at {scheduler} ({error})") from None
            with client:
                if not client.scheduler_info(n_workers=-1)["workers"]:
                    raise InputError(
                        f"the Dask scheduler at {scheduler} has no workers; start `dask worker {scheduler}`"
                    )
                yield client
            return
        local = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}
        with LocalCluster(n_workers=workers, host="127.0.0.1", **local) as cluster, Client(cluster) as client:
            yield client


def _done(client: Any, jobs: Iterator[ModuleJob]) -> Iterator[list[LayerResult]]:
    """The results as they come; no more jobs are made than keep all workers busy."""
    from distributed import as_completed

    busy = as_completed()
    room = 2 * max(sum(client.nthreads().values()), 1)

    def submit() -> None:
        job = next(jobs, None)
        if job is not None:
            busy.add(client.submit(run_module, job, pure=False, retries=0))

    for _ in range(room):
        submit()
    for future in busy:
        yield future.result()
        submit()


def _speed(found: dict[str, LayerResult], seconds: float) -> str:
    """How fast it goes, for the progress bar."""
    cycles = sum(result.cycles for result in found.values())
    running = sum(result.seconds for result in found.values())
    frames = sum(result.frames for result in found.values())
    return f"layers ({frames / seconds:.2g} frames/s, {cycles / max(running, 1e-9):,.0f} cycles/s)"
