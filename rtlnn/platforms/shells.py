"""Which code writes which shell: one line each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from rtlnn.emit.interface import Interface
from rtlnn.platforms.alveo.emission import emit_kernel
from rtlnn.platforms.spec import Platform, Shell

__all__ = ["SHELLS", "emit_shell", "kernel_name"]

SHELLS: Mapping[Shell, Callable[[Interface, Platform, Path], None]] = {
    Shell.VITIS_RTL_KERNEL: emit_kernel,
}


def kernel_name(top: str, platform: Platform) -> str | None:
    """Name of the shell's top module around the core `top`; None if the platform has no shell."""
    return None if platform.shell is None else f"{top}_kernel"


def emit_shell(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write the platform's shell around the core of `interface` into the build folder; nothing for a bare device."""
    if platform.shell is not None:
        SHELLS[platform.shell.kind](interface, platform, out_dir)
