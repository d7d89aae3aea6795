"""Draws cycles a frame against resources: our designs, others', and what ours were to reach."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.cases import CASES, Case, peers_of
from benchmarks.figures import Figure, Figures
from benchmarks.results import Row

__all__ = ["draw"]

COLORS = ("#1b6ca8", "#d1495b", "#2e8b57", "#8e5ea2", "#b8860b", "#444444")
"""One for each network."""
OURS, THEIRS = "o", "x"
SETTINGS: Any = {
    "svg.hashsalt": "rtlnn",  # names of clip paths: random otherwise
    "svg.fonttype": "none",  # text stays text
    "font.size": 9,
    "font.family": "sans-serif",
}


def draw(rows: Iterable[Row], file: Path, cases: Sequence[Case] = CASES) -> None:
    """Write the chart as SVG; the same rows give the same bytes (with the same matplotlib)."""
    measured = {row.title: row for row in rows}
    with mpl.rc_context(SETTINGS):
        canvas = Canvas(figsize=(11, 5.6), layout="constrained")
        axes = canvas.subplots(1, 2, sharey=True)
        for axis, resource in zip(axes, (Figure.DSP, Figure.LUT), strict=True):
            _panel(axis, resource, measured, cases)
        axes[0].set_ylabel("cycles a frame (fewer is better)")
        canvas.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
        canvas.savefig(file, metadata={"Date": None})


def _panel(axis: Axes, resource: Figure, measured: dict[str, Row], cases: Sequence[Case]) -> None:
    axis.set(xscale="log", yscale="log", xlabel=resource.title)
    axis.grid(True, which="major", color="#ddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.margins(x=0.12, y=0.08)
    networks = list(dict.fromkeys(case.network.name for case in cases))
    for name, color in zip(networks, COLORS, strict=False):
        own = [case for case in cases if case.network.name == name]
        ours = [(case.target, measured[case.title].figures) for case in own if case.title in measured]
        theirs = [(peer.name, peer.figures) for peer in peers_of(own)]
        _points(axis, resource, ours, color, OURS, name)
        _points(axis, resource, theirs, color, THEIRS, None)
    for label, marker in (("rtlnn", OURS), ("others", THEIRS)):
        axis.plot([], [], marker, color="#888", label=label)


def _points(
    axis: Axes, resource: Figure, designs: Iterable[tuple[str, Figures]], color: str, marker: str, label: str | None
) -> None:
    if label:
        axis.plot([], [], "s", color=color, label=label)
    for name, figures in designs:
        if resource not in figures or Figure.INTERVAL not in figures:
            continue
        place = figures[resource], figures[Figure.INTERVAL]
        axis.plot(*place, marker, color=color, markersize=7)
        # ours below and others' above: they lie close together where the same arithmetic counts
        offset = (6, -9) if marker == OURS else (6, 4)
        axis.annotate(name, place, xytext=offset, textcoords="offset points", fontsize=7, color=color)
