"""From a case to its numbers: build, simulate, synthesize."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.building import build
from benchmarks.cases import Case
from benchmarks.figures import Figure
from benchmarks.simulating import simulate
from rtlnn.errors import InputError
from rtlnn.synthesis import Cells, SynthResult, synth

__all__ = ["Measured", "measure", "resource_figures"]


@dataclass(frozen=True)
class Measured:
    """The numbers of a case.

    Parameters
    ----------
    figures : empty if no design fits
    shortfall : why the case's options could not be fulfilled; None if they were
    clock_mhz : what the platform aims at
    notes : plain data that other machines may find different: seconds, megabytes; and the layers
    """

    figures: dict[Figure, float]
    shortfall: str | None
    clock_mhz: float
    notes: dict[str, Any]


def measure(case: Case, work: Path, say: Callable[[str], None]) -> Measured:
    """Build, simulate and synthesize `case` in the folder `work`.

    Raises `CheckFailed` if a bit or a cycle differs from what was promised.
    """
    folder = work / "".join(c if c.isalnum() else "_" for c in case.title)
    say(f"{case.title}: building")
    try:
        built = build(case.network.model(), case.options, folder)
    except InputError as error:
        return Measured({}, str(error), 0.0, {})
    say(f"{case.title}: simulating")
    cycles = simulate(folder)
    say(f"{case.title}: synthesizing")
    cells = synth(folder)
    figures = {Figure.INTERVAL: float(cycles.interval), Figure.LATENCY: float(cycles.latency)}
    figures |= resource_figures(cells)
    macs = case.network.topology.macs
    if dsps := figures[Figure.DSP]:
        figures[Figure.EFFICIENCY] = macs / (cycles.interval * 2 * dsps)
    notes: dict[str, Any] = {
        "build_seconds": round(built.seconds, 1),
        "build_megabytes": round(built.megabytes),
        "macs": macs,
        "computed_macs": built.report["macs"],
    }
    notes["estimate"] = built.report["resources"]
    notes["layers"] = [{key: layer[key] for key in _LAYER_KEYS} for layer in built.report["layers"]]
    return Measured(figures, built.shortfall, built.report["clock_mhz"], notes)


_LAYER_KEYS = ("name", "op", "output_shape", "pe", "simd", "cycles", "dsp", "lut", "ff", "bram36")


def resource_figures(result: SynthResult) -> dict[Figure, float]:
    """Counted cells, and the logic depth."""
    cells: Cells = result.cells
    return {
        Figure.DSP: float(cells.dsp),
        Figure.LUT: float(cells.lut),
        Figure.FF: float(cells.ff),
        Figure.BRAM36: cells.bram36 + cells.bram18 / 2,
        Figure.URAM: float(cells.uram),
        Figure.DEPTH: float(result.depth),
    }
