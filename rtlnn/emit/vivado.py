"""Constraints and a script for an out-of-context synthesis with Vivado: the first thing to do with a design."""

from collections.abc import Sequence

from rtlnn.emit.interface import Interface
from rtlnn.emit.template import fill
from rtlnn.layers.circuit import Stage
from rtlnn.platforms.spec import Platform

__all__ = ["vivado_files"]


def vivado_files(interface: Interface, platform: Platform, stages: Sequence[Stage] = ()) -> dict[str, str]:
    """Texts by their path in the build folder: `vivado/synth_ooc.tcl` and `vivado/<top>.xdc`.

    Where `stages` are on certain dies, `vivado/dies.tcl` as well.
    """
    values = {
        "top": interface.top,
        "part": platform.part,
        "clock_mhz": f"{platform.clock_mhz:g}",
        "period": f"{1000 / platform.clock_mhz:.3f}",
    }
    files = {
        "vivado/synth_ooc.tcl": fill("synth_ooc.tcl.in", values),
        f"vivado/{interface.top}.xdc": fill("clock.xdc.in", values),
    }
    if places := _places(platform, stages):
        borders = [cell for cell, _ in places if "/" in cell]
        text = {"cells": "\n".join(f"  {cell} {region}" for cell, region in places)}
        text |= {"borders": "\n".join(f"  {cell}" for cell in borders)}
        files["vivado/dies.tcl"] = fill("dies.tcl.in", {**values, **text})
    return files


def _places(platform: Platform, stages: Sequence[Stage]) -> list[tuple[str, str]]:
    """Cells of the top and their dies."""
    found = []
    for stage in stages:
        if len(stage.dies) == 1:
            found.append((stage.name, platform.slrs[stage.dies[0]].name))
        found += [
            (f"{stage.name}/die{n}", platform.slrs[die].name) for n, die in enumerate(stage.dies[1:] and stage.dies)
        ]
    return found
