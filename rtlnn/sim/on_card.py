"""Runs a build's host program on a simulated card: the self-test, and the rate of one compute unit and of all."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rtlnn.errors import CheckFailed
from rtlnn.platforms.alveo.host_program import SELF_TEST_FRAMES
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.kernel_level import kernel_interval
from rtlnn.sim.kernel_memory import stride
from rtlnn.sim.result import Progress
from rtlnn.sim.simulated_card import CardSettings, SimulatedCard

__all__ = ["CardResult", "cycles_a_frame", "simulate_on_card"]

_LONG_RUN = 1024
"""Cycles that a run is to take at least: more than a transfer to the card, and its latency."""
_CYCLES = 400_000
"""What a unit is to be watched for, where that is not too few runs."""
_FEWEST, _MOST = 8, 40
"""Runs of a unit that count, multiples of the self-test's frames."""
_TOLERANCE = 0.05
"""Of the rate: the units take their last runs at different times."""


@dataclass(frozen=True)
class CardResult:
    """What was found.

    Parameters
    ----------
    units : compute units of the design
    self_test : whether the host program's own test passed, with all units
    one, all : cycles a frame of one unit and of all of them, transfers included
    planned_one, planned_all : what the core, the memory buses or the link between host and card allow
    output : what the host program printed in its self-test
    build_seconds, seconds : to compile card and program, and for everything
    """

    units: int
    self_test: bool
    one: float
    all: float
    planned_one: float
    planned_all: float
    output: str
    build_seconds: float
    seconds: float

    @property
    def passed(self) -> bool:
        return self.self_test and not list(self.failures())

    def failures(self) -> Iterator[str]:
        """What is too slow, in words."""
        for what, taken, planned in (
            ("one unit", self.one, self.planned_one),
            (f"{self.units} units", self.all, self.planned_all),
        ):
            if taken > planned * (1 + _TOLERANCE):
                yield f"{what}: a frame takes {taken:,.1f} cycles, planned {planned:,.1f}"

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "passed": self.passed}, indent=2) + "\n"


def cycles_a_frame(card: SimulatedCard, host: Path, settings: CardSettings, units: int, batch: int, runs: int) -> float:
    """Cycles of the card for a frame, on `units` of its units, without what it takes to fill and to drain the card.

    That is in a long test as in a short one, of which the difference counts: `runs` of `batch` frames for each unit.
    Raises `CheckFailed` if a result is wrong.
    """
    short = batch * units
    counts = [short, short + batch * units * runs // SELF_TEST_FRAMES]
    taken = []
    for repeat in counts:
        arguments: list[str | int] = ["--self-test", "--units", units, "--batch", batch, "--repeat", repeat]
        run = card.run_host(host, settings, arguments)
        if run.code:
            raise CheckFailed(f"the host program failed on {units} units:\n{run.output}")
        taken.append(run.cycles)
    return (taken[1] - taken[0]) / (SELF_TEST_FRAMES * (counts[1] - counts[0]))


def simulate_on_card(build_dir: Path | str, progress: Progress | None = None) -> CardResult:
    """Compile the kernels of a build and its host program, and run them: bits, and frames in a given time.

    Raises `InputError` without tools, or if the build is for no card with XRT; `CheckFailed` if the program fails or
    does not end.
    """
    report = progress or _silent
    started = time.perf_counter()
    build = BuildFolder.open(Path(build_dir))
    units = len(build.interface.units)
    settings = CardSettings(units=max(units, 1))
    with tempfile.TemporaryDirectory(prefix="rtlnn-card-") as name:
        report("building the card", 0, 1)
        card = SimulatedCard.build(build.path, Path(name) / "xrt")
        report("building the host program", 0, 1)
        copy = Path(name) / "build"  # the user's own folder is for a real XRT
        shutil.copytree(build.path / "host", copy / "host", ignore=shutil.ignore_patterns("host"))
        (copy / "mem").symlink_to(build.mem_dir.resolve())
        host = card.make_host(copy)
        ready = time.perf_counter()
        report("self-test", 0, 1)
        tested = card.run_host(host, settings, ["--self-test"])
        interval = kernel_interval(build.interface)
        batch = min(max(_LONG_RUN // interval, 1), _LONG_RUN)
        runs = min(max(_CYCLES // (batch * interval), _FEWEST), _MOST) // _FEWEST * _FEWEST
        rates = {}
        for count in sorted({1, units}) if tested.code == 0 else ():
            report(f"{count} units" if count > 1 else "one unit", 0, 1)
            rates[count] = cycles_a_frame(card, host, settings, count, batch, runs)
    link = max(stride(build.interface.input), stride(build.interface.output)) / settings.link_bytes
    return CardResult(
        units=units,
        self_test=tested.code == 0,
        one=rates.get(1, 0.0),
        all=rates.get(units, 0.0),
        planned_one=max(interval, link),
        planned_all=max(interval / units, link),
        output=tested.output,
        build_seconds=ready - started,
        seconds=time.perf_counter() - started,
    )


def _silent(step: str, done: int, total: int) -> None:
    """No progress report."""
