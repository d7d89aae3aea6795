"""From a row to its numbers: build, and simulate layers one by one, or the whole."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rtlnn
from benchmarks.big.rows import Row
from benchmarks.building import build
from benchmarks.results import commit_of
from benchmarks.simulating import FRAMES, simulate
from rtlnn.errors import InputError
from rtlnn.options import Options
from rtlnn.sim.by_layer import LayersResult, simulate_layers

__all__ = ["Simulated", "chosen_layers", "measure"]

Say = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[2]
_STEP = 6
"""Layers that are simulated before the numbers are written again."""
_KEPT = ("frames", "failures", "interval", "cycles", "seconds", "build_seconds")


def measure(
    row: Row, work: Path, models: Path | None, layers: int | None, workers: int | None, say: Say
) -> Iterator[dict[str, Any]]:
    """Plain data, again and again while layers are simulated; the last one is the result.

    A build that is in the folder `work` from before is taken as it is, with the layers that were simulated then.
    `layers` says how many further ones are, those that are quickly compiled first; None: all.
    """
    folder = work / "".join(c if c.isalnum() else "_" for c in row.name)
    facts = folder / "measured.json"
    if facts.is_file():
        found: dict[str, Any] = json.loads(facts.read_text())
    else:
        say(f"{row.name}: building")
        options = Options(
            platform=_clocked(row, work),
            target_interval=row.goal.interval,
            target_latency=row.goal.latency,
            max_dsp=row.goal.dsp,
            utilization=row.utilization,
            stream=row.streamed,
        )
        try:
            built = build(row.model(models), options, folder)
        except InputError as error:
            shutil.rmtree(folder, ignore_errors=True)
            yield {"refused": str(error)}
            return
        found = {
            "commit": commit_of(ROOT),
            "report": built.report,
            "shortfall": built.shortfall,
            "build_seconds": round(built.seconds, 1),
            "plan_processor_seconds": round(built.plan_seconds, 1),
            "build_processor_seconds": round(built.processor_seconds, 1),
            "build_megabytes": round(built.megabytes),
        }
        facts.write_text(json.dumps(found))
    report = found.pop("report")
    result: dict[str, Any] = {
        "interval": report["interval_cycles"],
        "latency": report["latency_cycles"],
        **report["resources"],
        "efficiency": round(row.macs / (report["interval_cycles"] * 2 * max(report["resources"]["dsp"], 1)), 3),
        "limits": [f"the {layer['bound']} of {layer['name']}" for layer in report["layers"] if layer["limits"]],
        "layers": len(report["layers"]),
        **found,
    }
    if row.whole:
        yield result
        say(f"{row.name}: simulating the whole")
        cycles = simulate(folder)
        yield {**result, "whole": {"frames": FRAMES, **asdict(cycles)}}
        return
    seen = Simulated.load(folder / "simulated.json")
    yield {**result, **seen.summary()}
    left = [name for name in chosen_layers(report["layers"], None) if name not in seen.layers][:layers]
    for n in range(0, len(left), _STEP):
        say(f"{row.name}: {n} of {len(left)} layers")
        seen.add(simulate_layers(folder, layers=left[n : n + _STEP], workers=workers))
        yield {**result, **seen.summary()}


def _clocked(row: Row, work: Path) -> Path:
    """The row's platform with its clock, of which the bytes a cycle of external memory depend."""
    text = (Path(rtlnn.__file__).parent / "platforms" / f"{row.platform}.yaml").read_text()
    file = work / f"{row.platform}_{row.clock_mhz}.yaml"
    file.write_text(re.sub(r"(?m)^clock_mhz: .*$", f"clock_mhz: {row.clock_mhz}", text))
    return file


def chosen_layers(layers: Sequence[dict[str, Any]], count: int | None) -> list[str]:
    """Names of `count` layers, those with the fewest LUTs and DSPs first; of all if `count` is None."""
    ordered = sorted(layers, key=lambda layer: (layer["lut"] + 50 * layer["dsp"], layer["name"]))
    return [layer["name"] for layer in ordered[:count]]


@dataclass(frozen=True)
class Simulated:
    """Layers that were simulated, in one go or in several: what is known of each, by its name, kept in `file`."""

    file: Path
    layers: dict[str, dict[str, Any]]

    @classmethod
    def load(cls, file: Path) -> "Simulated":
        return cls(file, json.loads(file.read_text()) if file.is_file() else {})

    def add(self, result: LayersResult) -> None:
        for layer in result.layers:
            self.layers[layer.name] = {key: value for key, value in asdict(layer).items() if key in _KEPT}
        self.file.write_text(json.dumps(self.layers, indent=1))

    def summary(self) -> dict[str, Any]:
        """Nothing if there are none."""
        found = self.layers.values()
        if not found:
            return {}
        failed = {name: layer["failures"] for name, layer in self.layers.items() if layer["failures"]}
        simulated = {
            "layers": len(found),
            "passed": len(found) - len(failed),
            "failures": [f"{name}: {text}" for name, told in failed.items() for text in told][:10],
            "frames": max(layer["frames"] for layer in found),
            "cycles": sum(layer["cycles"] for layer in found),
            "seconds": round(sum(layer["seconds"] for layer in found), 1),
            "build_seconds": round(sum(layer["build_seconds"] for layer in found), 1),
        }
        return {"simulated": simulated}
