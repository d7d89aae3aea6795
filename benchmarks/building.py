"""Builds a case in a process of its own, so that its time and memory are its own."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import onnx

import rtlnn
from rtlnn.errors import InputError
from rtlnn.options import Options
from rtlnn.platforms.loader import load_platform

__all__ = ["SLACKS", "Built", "build"]

_PLANS, _PLANNED = "folding", "filling"
"""The steps of a build with which the plan begins, and that which follows it."""
SLACKS = (1.05, 1.1, 1.2, 1.35, 1.5, 2.0)


@dataclass(frozen=True)
class Built:
    """A build.

    Parameters
    ----------
    report : see `rtlnn.report`
    shortfall : why the options could not be fulfilled; None if they were
    seconds, processor_seconds, megabytes : what everything took, by the clock on the wall and of all processors
        together; the largest process counts
    plan_seconds : what the plan took, of all processors together
    """

    report: dict[str, Any]
    shortfall: str | None
    seconds: float
    processor_seconds: float
    megabytes: float
    plan_seconds: float


def build(model: onnx.ModelProto, options: Options, folder: Path) -> Built:
    """Build `model` into `folder`.

    Where the target is out of reach within the budget, the smallest of `SLACKS` that reaches it widens the budget, as
    far as the platform allows; if none does, the fastest design within the budget is built.
    Raises `InputError` if not even that fits.
    """
    # spawned, not forked: a fork would begin with this process's memory
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_build, model, options, folder).result()


def _build(model: onnx.ModelProto, options: Options, folder: Path) -> Built:
    shortfall = None
    for tried in _relaxed(options):
        begin, busy = time.monotonic(), _processor_seconds()
        steps: dict[str, float] = {}

        def progress(step: str, steps: dict[str, float] = steps) -> None:
            steps.setdefault(step.partition(" ")[0], _processor_seconds())

        try:
            report = rtlnn.build(model, folder, tried, progress)
        except InputError as error:
            shortfall = shortfall or str(error)
        else:
            seconds = time.monotonic() - begin
            planned = steps[_PLANNED] - steps.get(_PLANS, steps[_PLANNED])
            return Built(report, shortfall, seconds, _processor_seconds() - busy, _peak() / 1024, planned)
    raise InputError(str(shortfall))


def _relaxed(options: Options) -> Iterator[Options]:
    """The options; with wider budgets; without a target."""
    yield options
    available = load_platform(options.platform).available
    limits = {"max_dsp": available.dsp, "max_lut": available.lut, "max_bram": available.bram36}
    budget = {name: getattr(options, name) for name in limits if getattr(options, name) is not None}
    if budget:
        for slack in SLACKS:
            wider: dict[str, Any] = {name: min(int(value * slack), limits[name]) for name, value in budget.items()}
            yield replace(options, **wider)
    yield replace(options, target_interval=None, target_fps=None)


def _processor_seconds() -> float:
    """Of this process and those that it started."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _peak() -> int:
    """KiB of the largest process: this one or one that it started."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
