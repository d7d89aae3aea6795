"""Which code writes which shell: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rtlnn.emit.interface import ComputeUnit, Interface, WeightPort
from rtlnn.ir.network import Network
from rtlnn.layers.component import Resources
from rtlnn.platforms.alveo.control import memory_buses, stream_channels
from rtlnn.platforms.alveo.emission import emit_kernel
from rtlnn.platforms.alveo.host_program import emit_host
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.alveo.units import place_units, weight_channels
from rtlnn.platforms.aws.emission import emit_aws
from rtlnn.platforms.aws.shell import AwsShell
from rtlnn.platforms.shell_protocol import ShellSpec
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.uart.emission import emit_board
from rtlnn.platforms.uart.shell import UartShell
from rtlnn.platforms.zynq.emission import emit_zynq
from rtlnn.platforms.zynq.shell import ZynqShell

__all__ = [
    "EMITTERS",
    "HOSTS",
    "compute_units",
    "emit_host_program",
    "emit_shell",
    "kernel_name",
    "link_cycles",
    "stream_rates",
]

EMITTERS: Mapping[type[ShellSpec], Callable[[Interface, Platform, Path], None]] = {
    VitisShell: emit_kernel,
    AwsShell: emit_aws,
    ZynqShell: emit_zynq,
    UartShell: emit_board,
}
"""Each writes its shell around the core of the interface into the build folder."""

HOSTS: Mapping[type[ShellSpec], Callable[[Network, Interface, Path], None]] = {
    VitisShell: emit_host,
}
"""Each writes what runs the build on the host, with the host's parts of the network."""


def kernel_name(top: str, platform: Platform) -> str | None:
    """Name of the shell's top module around the core `top`; None if the platform has no shell."""
    return None if platform.shell is None else top + platform.shell.suffix


def compute_units(
    top: str,
    platform: Platform,
    core: Resources,
    weight_beats: int | None,
    weights: Mapping[str, WeightPort] | None = None,
    spread: bool = False,
) -> tuple[ComputeUnit, ...]:
    """The copies of the kernel around a core that takes `core`; none where the shell has no such thing.

    `weights` are the core's streams of weights. `spread` says that the core's layers have their own dies, so that the
    kernel as a whole has none.
    Raises `InputError` with the numbers if they do not fit.
    """
    kernel = kernel_name(top, platform)
    if kernel is None or not isinstance(platform.shell, VitisShell):
        return ()
    buses = memory_buses(weight_beats is not None)
    units = place_units(kernel, platform, core, buses, stream_channels(weights or {}))
    return tuple(replace(unit, slr=None) for unit in units) if spread else units


def stream_rates(platform: Platform) -> tuple[float, ...]:
    """Bytes a cycle of each memory channel that weights may be streamed from; none where there is no such thing.

    Of a bare device all banks are one channel: what surrounds it is the user's.
    """
    if platform.shell is None:
        return (platform.bytes_per_cycle,) if platform.bytes_per_cycle else ()
    return weight_channels(platform, len(memory_buses(True)))


def link_cycles(platform: Platform, count: int) -> int | None:
    """Clock cycles that so many bytes take between host and chip; None where the link is no limit to speak of."""
    return platform.shell.cycles(platform.clock_mhz, count) if isinstance(platform.shell, UartShell) else None


def emit_shell(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write the platform's shell around the core of `interface` into the build folder; nothing for a bare device."""
    if platform.shell is not None:
        EMITTERS[type(platform.shell)](interface, platform, out_dir)


def emit_host_program(network: Network, interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write what runs the build on the host into the build folder, where the platform's shell has such a program."""
    if platform.shell is not None and type(platform.shell) in HOSTS:
        HOSTS[type(platform.shell)](network, interface, out_dir)
