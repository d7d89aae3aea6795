"""The trained example networks at several foldings: accuracy, bits, cycles and resources, all measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rtlnn
from benchmarks.figures import Figure
from benchmarks.measure import resource_figures
from benchmarks.results import Row
from examples.accuracy import accuracy, full_test_set, onnxruntime_predict
from examples.datasets import Split
from rtlnn.errors import CheckFailed
from rtlnn.options import Options
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.reference import load
from rtlnn.synthesis import synth

__all__ = ["CASES", "Case", "measure"]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@dataclass(frozen=True)
class Case:
    """One network, and the intervals (cycles a frame) that it is built for, the smallest design first."""

    folder: str
    model: str
    intervals: tuple[int, ...]

    @property
    def title(self) -> str:
        return f"{self.folder}/{self.model}"

    def target(self, interval: int) -> str:
        return f"{interval:,} cycles"

    @property
    def needs_data(self) -> bool:
        """Whether the test images are not in the repository."""
        return not (EXAMPLES / self.folder / "test.npz").exists()

    @property
    def titles(self) -> list[str]:
        """Of the rows."""
        return [f"{self.title}, {self.target(interval)}" for interval in self.intervals]

    @property
    def float_model(self) -> Path:
        return EXAMPLES / self.folder / f"{self.model}.onnx"

    @property
    def int8_model(self) -> Path:
        return EXAMPLES / self.folder / f"{self.model}_int8.onnx"


CASES = (
    Case("digits", "mlp", (2048, 128, 16)),
    Case("digits", "cnn", (18432, 2304, 256)),
    Case("fashion_mnist", "mlp", (18432, 1568, 224)),
    Case("mnist", "lenet5", (20000, 4800, 960)),
)


def measure(case: Case, data: Path | None, work: Path, say: Callable[[str], None], commit: str) -> list[Row]:
    """One row for each folding. Raises `CheckFailed` if a bit or a cycle differs from what was promised."""
    test = full_test_set(EXAMPLES / case.folder, data)
    say(f"{case.title}: accuracy in float")
    exact = {
        "images": len(test.images),
        "float": accuracy(onnxruntime_predict(case.float_model), test.images, test.labels),
        "integer": accuracy(rtlnn.reference(case.int8_model), test.images, test.labels),
    }
    return [_folding(case, interval, test, work, say, exact, commit) for interval in case.intervals]


def _folding(
    case: Case, interval: int, test: Split, work: Path, say: Callable[[str], None], exact: dict[str, Any], commit: str
) -> Row:
    title = f"{case.title}, {case.target(interval)}"
    folder = work / f"{case.folder}_{case.model}_{interval}"
    say(f"{title}: building")
    report = rtlnn.build(case.int8_model, folder, Options(platform="u200", target_interval=interval))
    say(f"{title}: compiling")
    build, reference = BuildFolder.open(folder), load(folder)
    core = compile_core(build)
    (frames,) = reference.network.to_core(test.images.astype(np.float32))
    expected = reference.run(frames)
    say(f"{title}: simulating {len(frames):,} frames")
    run = core.run(frames)
    run.check(expected.reshape(run.outputs.shape))
    measured = {"latency": run.latency, "interval": int(run.steady_intervals.max())}
    planned = {"latency": report["latency_cycles"], "interval": report["interval_cycles"]}
    if measured != planned:
        raise CheckFailed(f"{title}: simulated {measured}, planned {planned}")
    outputs = run.outputs.reshape(len(frames), *build.interface.output.shape)
    scores = reference.network.from_core(outputs)[0].reshape(len(frames), -1)
    say(f"{title}: synthesizing")
    figures = {
        Figure.ACCURACY: float((scores.argmax(axis=1) == test.labels).mean()),
        Figure.LATENCY: float(run.latency),
        Figure.INTERVAL: float(measured["interval"]),
        **resource_figures(synth(folder)),
    }
    notes = {**exact, "macs": report["macs"], "simulated_cycles": run.cycles, "estimate": report["resources"]}
    return Row(case.title, case.target(interval), figures, commit, report["clock_mhz"], notes=notes)
