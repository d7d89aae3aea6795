"""A profile as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from rtlnn.errors import InputError
from rtlnn.profiling.result import Profile, ValueKind, ValueProfile

__all__ = ["draw"]

SUFFIXES = (".svg", ".png", ".pdf")
ROW = 0.28
"""Inches of height that a value takes."""

COLOURS = {ValueKind.WEIGHT: "#4c78a8", ValueKind.ACTIVATION: "#f58518"}


def draw(profile: Profile, path: Path) -> None:
    """Write the picture: for each value, in powers of two, what its format holds (grey) and where the values lie.

    The coloured bar spans 25 to 75 % of the magnitudes, the line 5 to 100 %, the notch is the middle; a red end marks
    saturation. Raises `InputError` for an unknown suffix, and where matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"cannot draw into {path}: give a name that ends in {', '.join(SUFFIXES)}")
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("drawing needs matplotlib: pip install 'rtlnn[profile]'") from error
    values = profile.values[::-1]
    # no date and no random names: the same profile gives the same file
    with mpl.rc_context({"svg.hashsalt": "rtlnn"}):
        figure = Figure(figsize=(9, 1.2 + ROW * len(values)), layout="constrained")
        axes = figure.add_subplot()
        for row, value in enumerate(values):
            _row(axes, row, value)
        axes.set_yticks(range(len(values)), [f"{v.layer}: {v.kind.value}" for v in values], fontsize=7)
        axes.set_ylim(-0.7, len(values) - 0.3)
        axes.set_xlabel("log2 of the magnitude; grey: from one step of the format to its largest number")
        axes.set_title(
            f"{profile.model}: {profile.frames:,} frames, {profile.saturated:,} values saturated", fontsize=9
        )
        axes.grid(axis="x", alpha=0.3)
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _row(axes: Any, row: int, value: ValueProfile) -> None:
    reach = max(-value.least, value.largest)
    axes.barh(row, np.log2(reach / value.step), 0.8, np.log2(value.step), color="0.85")
    if not value.spread:
        return
    low, first, middle, third, high = np.log2(value.spread)
    axes.barh(row, max(third - first, 0.02), 0.5, first, color=COLOURS[value.kind])
    axes.plot([low, high], [row, row], color=COLOURS[value.kind], linewidth=1)
    axes.plot([middle, middle], [row - 0.25, row + 0.25], color="black", linewidth=1)
    if value.saturated:
        axes.plot([high], [row], "|", color="red", markersize=9, markeredgewidth=2)
