"""Which code writes which shell: one line each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rtlnn.emit.interface import ComputeUnit, Interface
from rtlnn.layers.component import Resources
from rtlnn.platforms.alveo.control import memory_buses
from rtlnn.platforms.alveo.emission import emit_kernel
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.alveo.units import place_units
from rtlnn.platforms.shell_protocol import ShellSpec
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.zynq.emission import emit_zynq
from rtlnn.platforms.zynq.shell import ZynqShell

__all__ = ["EMITTERS", "compute_units", "emit_shell", "kernel_name"]

EMITTERS: Mapping[type[ShellSpec], Callable[[Interface, Platform, Path], None]] = {
    VitisShell: emit_kernel,
    ZynqShell: emit_zynq,
}
"""Each writes its shell around the core of the interface into the build folder."""


def kernel_name(top: str, platform: Platform) -> str | None:
    """Name of the shell's top module around the core `top`; None if the platform has no shell."""
    return None if platform.shell is None else top + platform.shell.suffix


def compute_units(top: str, platform: Platform, core: Resources, weight_beats: int | None) -> tuple[ComputeUnit, ...]:
    """The copies of the kernel around a core that takes `core`; none where the shell has no such thing.

    Raises `InputError` with the numbers if they do not fit.
    """
    kernel = kernel_name(top, platform)
    if kernel is None or not isinstance(platform.shell, VitisShell):
        return ()
    return place_units(kernel, platform, core, memory_buses(weight_beats is not None))


def emit_shell(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write the platform's shell around the core of `interface` into the build folder; nothing for a bare device."""
    if platform.shell is not None:
        EMITTERS[type(platform.shell)](interface, platform, out_dir)
