"""What would fit, where place-and-route found that a design does not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtlnn.bitstream.families import FAMILIES
from rtlnn.bitstream.tools import DoesNotFit
from rtlnn.builder import estimate
from rtlnn.errors import InputError
from rtlnn.options import Options

__all__ = ["what_would_fit"]

_MARGIN = 0.9
"""Of a budget that is scaled by what place-and-route found: the estimate's errors are not the same for all foldings."""
_LIMITS = {"LUT": ("max_lut", "lut"), "multiplier": ("max_dsp", "dsp"), "RAM": ("max_bram", "bram36")}
"""Option and key of the report by kind of cell."""


def what_would_fit(
    model: Path | str,
    options: Options,
    report: Mapping[str, Any],
    found: DoesNotFit,
) -> str:
    """A smaller folding for the chip, as advice for the user; `report` is of the design that is too large.

    The budget of each resource that is short is scaled by how much of the design the chip could hold.
    """
    kinds = {cell: kind for tools in FAMILIES.values() for kind, cells in tools.cells.items() for cell in cells}
    limits: dict[str, Any] = {}
    for cell, usage in found.short.items():
        if (kind := kinds.get(cell)) in _LIMITS:
            option, key = _LIMITS[str(kind)]
            wanted = report["resources"][key] * usage.available / usage.used * _MARGIN
            limits[option] = round(wanted, 1) if option == "max_bram" else int(wanted)
    words = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in limits.items())
    try:
        smaller = estimate(model, replace(options, target_interval=None, target_fps=None, plan=None, **limits))
    except InputError:
        return f"not even the smallest folding fits in {words or 'it'}: choose a larger board"
    foldings = ", ".join(f"{r['name']} {r['pe']}×{r['simd']}" for r in smaller["layers"] if r["weights"])
    return (
        f"a folding that should fit: {words}, with an interval of {smaller['interval_cycles']:,} cycles "
        f"(PE×SIMD: {foldings})"
    )
