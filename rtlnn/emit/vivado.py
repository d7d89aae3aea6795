"""Constraints and a script for an out-of-context synthesis with Vivado: the first thing to do with a design."""

from rtlnn.emit.interface import Interface
from rtlnn.emit.template import fill
from rtlnn.platforms.spec import Platform

__all__ = ["vivado_files"]


def vivado_files(interface: Interface, platform: Platform) -> dict[str, str]:
    """Texts by their path in the build folder: `vivado/synth_ooc.tcl` and `vivado/<top>.xdc`."""
    values = {
        "top": interface.top,
        "part": platform.part,
        "clock_mhz": f"{platform.clock_mhz:g}",
        "period": f"{1000 / platform.clock_mhz:.3f}",
    }
    return {
        "vivado/synth_ooc.tcl": fill("synth_ooc.tcl.in", values),
        f"vivado/{interface.top}.xdc": fill("clock.xdc.in", values),
    }
