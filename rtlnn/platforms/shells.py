"""Which code writes which shell: one line each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rtlnn.emit.interface import Interface
from rtlnn.platforms.alveo.emission import emit_kernel
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.shell_protocol import ShellSpec
from rtlnn.platforms.spec import Platform

__all__ = ["EMITTERS", "emit_shell", "kernel_name"]

EMITTERS: Mapping[type[ShellSpec], Callable[[Interface, Platform, Path], None]] = {
    VitisShell: emit_kernel,
}
"""Each writes its shell around the core of the interface into the build folder."""


def kernel_name(top: str, platform: Platform) -> str | None:
    """Name of the shell's top module around the core `top`; None if the platform has no shell."""
    return None if platform.shell is None else top + platform.shell.suffix


def emit_shell(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write the platform's shell around the core of `interface` into the build folder; nothing for a bare device."""
    if platform.shell is not None:
        EMITTERS[type(platform.shell)](interface, platform, out_dir)
