"""Results as Markdown."""

from collections.abc import Sequence
from typing import Any

__all__ = ["accuracy_table", "folding_table"]


def accuracy_table(rows: Sequence[dict[str, Any]]) -> str:
    """One line a network. Every image went through the RTL; all output bits equalled the integer reference's."""
    lines = ["| network | test images | float | integer reference | simulated RTL |", "|---|---|---|---|---|"]
    seen = set()
    for r in rows:
        if r["network"] not in seen:
            seen.add(r["network"])
            parts = (f"{100 * r[k]:.2f} %" for k in ("float", "integer", "rtl"))
            lines.append(f"| {r['network']} | {r['images']:,} | {' | '.join(parts)} |")
    return "\n".join(lines) + "\n"


def folding_table(rows: Sequence[dict[str, Any]]) -> str:
    """One line a folding. Cycles are simulated, and were planned exactly so."""
    lines = [
        "| network | latency (cycles) | interval (cycles) | frames/s at 300 MHz | DSP | LUT | FF | BRAM36 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        s = r["synthesis"]
        numbers = (r["latency"], r["interval"], round(r["fps"]), s["dsp"], s["lut"], s["ff"])
        brams = s["bram36"] + s["bram18"] / 2
        lines.append(f"| {r['network']} | {' | '.join(f'{n:,}' for n in numbers)} | {brams:g} |")
    return "\n".join(lines) + "\n"
