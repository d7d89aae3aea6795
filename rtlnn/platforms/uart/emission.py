"""Writes the board's top module, its constraints, and what the host must know of it."""

from pathlib import Path

from amaranth.back import verilog

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.errors import InputError
from rtlnn.platforms.identity import design_id
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.uart.board import Board
from rtlnn.platforms.uart.constraints import constraints
from rtlnn.platforms.uart.facts import LINK_FILE, LinkFacts
from rtlnn.platforms.uart.link import LinkConfig
from rtlnn.platforms.uart.pll import find_pll
from rtlnn.platforms.uart.protocol import Hello
from rtlnn.platforms.uart.shell import UartShell

__all__ = ["emit_board"]


def emit_board(interface: Interface, platform: Platform, out_dir: Path) -> None:
    """Write `out_dir/kernel/`: Verilog, constraints, and `link.json`.

    `out_dir` is the build folder with the core. The output depends on the arguments and the core alone.
    Raises `InputError` if the core loads weights; `ValueError` if the platform has
    another shell.
    """
    shell = platform.shell
    if not isinstance(shell, UartShell) or interface.kernel is None:
        raise ValueError(f"platform {platform.name} has no serial line")
    if interface.weight_beats is not None:
        raise InputError(f"platform {platform.name} has no way to load weights: leave out --reloadable, or choose u200")
    straight = shell.oscillator_mhz == platform.clock_mhz
    pll = None if straight else find_pll(shell.family, shell.oscillator_mhz, platform.clock_mhz)
    clock_mhz = pll.output_mhz if pll else shell.oscillator_mhz
    hello = _hello(interface, clock_mhz, design_id(out_dir).to_bytes(8, "little"))
    link = LinkConfig(
        divider=round(clock_mhz * 1e6 / shell.baud),
        **_sizes("input", interface.input),
        **_sizes("output", interface.output),
        hello=hello.to_bytes(),
        # an eighth of a second, longer than hosts pause in the midst of a packet
        timeout=round(clock_mhz * 1e6 / 8),
    )
    folder = out_dir / "kernel"
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    name = interface.kernel
    text = verilog.convert(Board(interface, link, pll), name=name, emit_src=False, strip_internal_attrs=True)
    (folder / "rtl" / f"{name}.v").write_text(text)
    (folder / "files.f").write_text(f"rtl/{name}.v\n")
    suffix, pins = constraints(shell)
    (folder / f"{name}{suffix}").write_text(pins)
    facts = LinkFacts(platform.name, shell.family, shell.baud, hello.clock_hz, hello.build.hex())
    (out_dir / LINK_FILE).write_text(facts.to_json())


def _sizes(side: str, port: StreamPort) -> dict[str, int]:
    return {f"{side}_beat": port.tdata_bits // 8, f"{side}_beats": port.beats}


def _hello(interface: Interface, clock_mhz: float, build: bytes) -> Hello:
    taken, given = interface.input, interface.output
    return Hello(
        build,
        round(clock_mhz * 1e6),
        taken.frame_bytes,
        given.frame_bytes,
        taken.shape,
        given.shape,
        taken.element_bits,
        given.element_bits,
    )
