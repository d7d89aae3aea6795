"""Pins and clock, in the file that each family's place-and-route takes."""

from rtlnn.platforms.uart.shell import ChipFamily, UartShell

__all__ = ["constraints"]


def constraints(shell: UartShell) -> tuple[str, str]:
    """Suffix of the file, and its text. The receiving pin is pulled up: a line that nobody drives is idle."""
    pins = {"clk": shell.clock_pin, "rx": shell.rx_pin, "tx": shell.tx_pin}
    lines = []
    for name, pin in pins.items():
        match shell.family:
            case ChipFamily.ECP5:
                pull = " PULLMODE=UP" if name == "rx" else ""
                lines.append(f'LOCATE COMP "{name}" SITE "{pin}";')
                lines.append(f'IOBUF PORT "{name}" IO_TYPE={shell.io_standard}{pull};')
            case ChipFamily.ICE40:
                lines.append(f"set_io {'-pullup yes ' if name == 'rx' else ''}{name} {pin}")
            case ChipFamily.GOWIN:
                pull = " PULL_MODE=UP" if name == "rx" else ""
                lines.append(f'IO_LOC "{name}" {pin};')
                lines.append(f'IO_PORT "{name}" IO_TYPE={shell.io_standard}{pull};')
    match shell.family:
        case ChipFamily.ECP5:
            lines.append(f'FREQUENCY PORT "clk" {shell.oscillator_mhz:g} MHZ;')
            return ".lpf", "\n".join(lines) + "\n"
        case ChipFamily.ICE40:
            lines.append(f"set_frequency clk {shell.oscillator_mhz:g}")
            return ".pcf", "\n".join(lines) + "\n"
        case ChipFamily.GOWIN:
            return ".cst", "\n".join(lines) + "\n"
