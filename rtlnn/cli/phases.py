"""`--profile`: where the time of a command goes."""

import cProfile
import resource
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec

from rich.console import Console
from rich.table import Table

__all__ = ["Phases", "add_profile", "bar_phase_of", "phase_of", "phases"]

P = ParamSpec("P")

START = "starting"


def add_profile(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        nargs="?",
        const="",
        metavar="FILE",
        help="say at the end, on stderr, how long each phase took; with FILE, also write every function's time there, "
        "for `python -m pstats FILE`",
    )


def phase_of(step: str) -> str:
    """The phase of a step that `build` tells of: the layers of one are left out."""
    return "folding" if step.startswith("folding ") else step


def bar_phase_of(step: str, done: int, total: int) -> str:
    """The phase of a step that a simulation tells of: speeds and numbers are left out."""
    return step.partition(":")[0].partition(" (")[0]


class Phases:
    """Seconds of each phase, in the order in which they began; what comes again is added."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began, self._phase = clock(), START
        self.seconds: dict[str, float] = {}

    def begin(self, step: str) -> None:
        """A phase of this name begins, and the one before ends."""
        now = self._clock()
        self.seconds[self._phase] = self.seconds.get(self._phase, 0.0) + now - self._began
        self._began, self._phase = now, step

    def timed(self, show: Callable[P, None], name: Callable[P, str]) -> Callable[P, None]:
        """`show`, a progress display, which also begins a phase: the one that `name` makes of its arguments."""

        def step(*args: P.args, **kwargs: P.kwargs) -> None:
            phase = name(*args, **kwargs)
            if phase != self._phase:
                self.begin(phase)
            show(*args, **kwargs)

        return step

    def table(self) -> Table:
        """The phases with their seconds and shares."""
        total = sum(self.seconds.values())
        table = Table("phase", "seconds", "share", title="where the time went", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for phase, seconds in (*self.seconds.items(), ("all", total)):
            table.add_row(phase, f"{seconds:.2f}", f"{100 * seconds / max(total, 1e-9):.0f} %")
        return table


@contextmanager
def phases(profile: str | None) -> Iterator[Phases]:
    """Times the phases of the block, and tells of them at its end if `profile` is not None; "" writes no file."""
    found = Phases()
    recorder = cProfile.Profile() if profile else None
    if recorder:
        recorder.enable()
    try:
        yield found
    finally:
        if recorder:
            recorder.disable()
            recorder.dump_stats(Path(profile or ""))
    if profile is None:
        return
    found.begin(START)
    console = Console(stderr=True, highlight=False, markup=False, width=None if sys.stderr.isatty() else 100)
    console.print(found.table())
    peak, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    console.print(f"most memory: {peak / 2**20:.2f} GiB, and {children / 2**20:.2f} GiB in a process that it started")
    if profile:
        console.print(f"functions: python -m pstats {profile}")
