"""The measured bitstreams as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["table"]

_HEAD = ("board", "network", "LUTs", "flip-flops", "multipliers", "block RAMs", "clock, reached / wanted", "frames/s")
_EXACT = {True: "equal", False: "**wrong**", None: "not run"}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown. Frames a second are the core's at the wanted clock, not the line's."""
    head = (*_HEAD, "netlist and reference")
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 3) + "---|"]
    for row in rows:
        cells = [_cells(row["cells"].get(kind)) for kind in ("LUT", "FF", "multiplier", "RAM")]
        clock = f"{row['achieved_mhz']:.1f} / {row['wanted_mhz']:.4g} MHz" + ("" if row["file"] else " **missed**")
        rate = f"{row['wanted_mhz'] * 1e6 / row['interval_cycles']:,.0f}"
        exact = _EXACT[row["netlist_equals_reference"]]
        lines.append("| " + " | ".join([row["board"], f"digits {row['model']}", *cells, clock, rate, exact]) + " |")
    return "\n".join(lines) + "\n"


def _cells(usage: Mapping[str, int] | None) -> str:
    return "with the LUTs" if usage is None else f"{usage['used']:,} of {usage['available']:,}"
