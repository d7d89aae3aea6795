"""Builds a case in a process of its own, so that its time and memory are its own."""

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import onnx

import rtlnn
from rtlnn.builder import Options
from rtlnn.errors import InputError

__all__ = ["Built", "build"]


@dataclass(frozen=True)
class Built:
    """A build.

    Parameters
    ----------
    report : see `rtlnn.report`
    shortfall : why the options could not be fulfilled; None if they were
    seconds, megabytes : what planning and emission took; the largest process counts
    """

    report: dict[str, Any]
    shortfall: str | None
    seconds: float
    megabytes: float


def build(model: onnx.ModelProto, options: Options, folder: Path) -> Built:
    """Build `model` into `folder`; where the target is out of reach, the fastest design within the budget.

    Raises `InputError` if not even that fits.
    """
    # spawned, not forked: a fork would begin with this process's memory
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_build, model, options, folder).result()


def _build(model: onnx.ModelProto, options: Options, folder: Path) -> Built:
    begin = time.monotonic()
    shortfall = None
    try:
        report = rtlnn.build(model, folder, options)
    except InputError as error:
        shortfall = str(error)
        begin = time.monotonic()
        report = rtlnn.build(model, folder, replace(options, target_interval=None, target_fps=None))
    return Built(report, shortfall, time.monotonic() - begin, _peak() / 1024)


def _peak() -> int:
    """KiB of the largest process: this one or one that it started."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
