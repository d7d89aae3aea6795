"""From a row to its numbers: build, and simulate layers one by one."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.big.rows import Row
from benchmarks.building import build
from rtlnn.builder import Options
from rtlnn.errors import InputError
from rtlnn.sim.by_layer import LayersResult, simulate_layers

__all__ = ["chosen_layers", "measure"]

Say = Callable[[str], None]


def measure(
    row: Row, work: Path, models: Path | None, layers: int | None, workers: int | None, say: Say
) -> dict[str, Any]:
    """Plain data; a build that is in the folder `work` from before is taken as it is.

    `layers` says how many are simulated, those that are quickly compiled first; None: all.
    """
    folder = work / "".join(c if c.isalnum() else "_" for c in row.name)
    facts = folder / "measured.json"
    if facts.is_file():
        found: dict[str, Any] = json.loads(facts.read_text())
    else:
        say(f"{row.name}: building")
        try:
            built = build(row.model(models), Options(platform=row.platform, target_interval=row.goal.interval), folder)
        except InputError as error:
            shutil.rmtree(folder, ignore_errors=True)
            return {"refused": str(error)}
        found = {
            "report": built.report,
            "shortfall": built.shortfall,
            "build_seconds": round(built.seconds, 1),
            "build_megabytes": round(built.megabytes),
        }
        facts.write_text(json.dumps(found))
    report = found["report"]
    result: dict[str, Any] = {
        "interval": report["interval_cycles"],
        "latency": report["latency_cycles"],
        **report["resources"],
        "efficiency": round(row.macs / (report["interval_cycles"] * 2 * max(report["resources"]["dsp"], 1)), 3),
        "limits": [layer["name"] for layer in report["layers"] if layer["limits"]],
        "layers": len(report["layers"]),
        **{key: found[key] for key in ("shortfall", "build_seconds", "build_megabytes")},
    }
    names = chosen_layers(report["layers"], layers)
    if names:
        result["simulated"] = _simulated(folder, names, workers, say, row.name)
    return result


def chosen_layers(layers: Sequence[dict[str, Any]], count: int | None) -> list[str]:
    """Names of `count` layers, those with the fewest LUTs and DSPs first; of all if `count` is None."""
    ordered = sorted(layers, key=lambda layer: (layer["lut"] + 50 * layer["dsp"], layer["name"]))
    return [layer["name"] for layer in ordered[:count]]


def _simulated(folder: Path, names: Sequence[str], workers: int | None, say: Say, title: str) -> dict[str, Any]:
    def progress(step: str, done: int, total: int) -> None:
        say(f"{title}: {done} of {total} {step}")

    result: LayersResult = simulate_layers(folder, layers=names, workers=workers, progress=progress)
    return {
        "layers": len(result.layers),
        "modules": result.modules,
        "passed": sum(layer.passed for layer in result.layers),
        "failures": [f"{layer.name}: {text}" for layer in result.layers for text in layer.failures][:10],
        "frames": max(layer.frames for layer in result.layers),
        "cycles": result.cycles,
        "seconds": round(result.seconds, 1),
        "workers": result.workers,
    }
