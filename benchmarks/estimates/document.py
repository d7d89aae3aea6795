"""The table of estimates: docs/estimates.md, with its numbers in docs/estimates.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TypeAlias

from benchmarks.estimates.grid import KINDS

__all__ = ["Results", "load", "markdown", "misses", "write"]

Results: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]
"""By kind and sample: amounts estimated and counted."""

NAME = "estimates"
MEDIAN, WORST = 0.10, 0.20
FEW = 40
"""LUTs or flip-flops that an estimate may be off in any case: in the smallest layers they are more than a fifth."""

HEAD = f"""\
# Estimates

The plan reckons with an estimate of every layer's size. Here it is beside what Yosys counts (`synth_xilinx`, each
module by itself), for {{count}} layers of all kinds, with foldings drawn from all that there are; written by
`python -m benchmarks.estimates`, the numbers are in [estimates.json](estimates.json). Memories of weights and
parameters are left out: both know them by their size.

To keep: DSP, block RAM and UltraRAM exact; LUTs and flip-flops of a kind within {MEDIAN:.0%} in the median, and each
layer within {WORST:.0%}, or {FEW} where that is more. `✗` is what does not.
"""


def load(folder: Path) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The results of before; none if there is no file."""
    path = folder / f"{NAME}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def write(results: Results, folder: Path) -> None:
    (folder / f"{NAME}.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / f"{NAME}.md").write_text(markdown(results))


def markdown(results: Results) -> str:
    """The whole page."""
    columns = ("layer", "samples", "LUT: median, worst", "FF: median, worst", "DSP, block RAM, UltraRAM")
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for kind in KINDS:
        if kind not in results:
            lines.append(f"| {kind} | not measured | | | |")
            continue
        rows = results[kind]
        exact = all(_exact(row) for row in rows.values())
        cells = [kind, str(len(rows)), *(_errors(rows, n) for n in ("lut", "ff")), "exact" if exact else "✗"]
        lines.append(f"| {' | '.join(cells)} |")
    count = sum(len(rows) for rows in results.values())
    return HEAD.format(count=count) + "\n" + "\n".join(lines) + "\n"


def misses(results: Results) -> list[str]:
    """What is farther off than it may be."""
    found = []
    for kind, rows in results.items():
        for name, row in rows.items():
            if not _exact(row) or any(_far(row, amount) for amount in ("lut", "ff")):
                found.append(f"{name}: {row}")
        for amount in ("lut", "ff"):
            if median(_error(row, amount) for row in rows.values()) > MEDIAN and any(
                _off(row, amount) > FEW for row in rows.values()
            ):
                found.append(f"{kind}: the median error of {amount} is above {MEDIAN:.0%}")
    return found


def _exact(row: Mapping[str, Mapping[str, float]]) -> bool:
    return all(row["estimated"][n] == row["counted"][n] for n in ("dsp", "bram36", "uram"))


def _off(row: Mapping[str, Mapping[str, float]], amount: str) -> float:
    return abs(row["estimated"][amount] - row["counted"][amount])


def _error(row: Mapping[str, Mapping[str, float]], amount: str) -> float:
    return _off(row, amount) / max(row["counted"][amount], 1)


def _far(row: Mapping[str, Mapping[str, float]], amount: str) -> bool:
    return _off(row, amount) > max(WORST * row["counted"][amount], FEW)


def _errors(rows: Mapping[str, Mapping[str, Mapping[str, float]]], amount: str) -> str:
    errors = [_error(row, amount) for row in rows.values()]
    mark = " ✗" if any(_far(row, amount) for row in rows.values()) else ""
    return f"{median(errors):.0%}, {max(errors):.0%}{mark}"
