"""What a platform file says of a shell with a serial line, and of its chip to the free tools."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault, Unit

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["BYTE_BITS", "ChipFamily", "UartShell"]

_TOLERANCE = 0.02
"""Of the line's speed: what is half a bit in ten is wrong, and the host may be off as much."""
_LEAST = 4
"""Cycles a bit."""
BYTE_BITS = 10
"""Of a byte on the line: a start bit, eight of data, a stop bit."""


class ChipFamily(Enum):
    """A family of chips with free tools up to the bitstream."""

    ECP5 = "ecp5"
    ICE40 = "ice40"
    GOWIN = "gowin"


@dataclass(frozen=True)
class UartShell:
    """A serial line to the host.

    Parameters
    ----------
    family : of the chip
    device, package : as nextpnr names them; of Gowin's chips `package` is the name of the die
    oscillator_mhz : on the pin `clock_pin`; of an iCE40 with a PLL this must be a PLL's pin
    clock_pin, rx_pin, tx_pin : `rx_pin` is an input of the chip, `tx_pin` an output
    io_standard : of these pins (the iCE40's tools do not ask for it)
    baud : bits a second on the line
    program : the command that loads the bitstream, whose name is put in place of `{bitstream}`
    speed : the chip's speed grade, where nextpnr wants to know it
    """

    kind: ClassVar[str] = "uart"
    suffix: ClassVar[str] = "_board"

    family: ChipFamily
    device: str
    package: str
    oscillator_mhz: float = field(metadata={"unit": Unit("MHz", {"hz": 1e-6, "khz": 1e-3, "ghz": 1e3})})
    clock_pin: str
    rx_pin: str
    tx_pin: str
    io_standard: str
    baud: int
    program: str
    speed: str | None = None

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        # imported late: a PLL knows its family from here
        from rtlnn.platforms.uart.pll import find_pll

        if not 0 < self.oscillator_mhz <= 1000:
            yield Fault(("oscillator_mhz",), f"no oscillator has {self.oscillator_mhz:g} MHz")
            return
        if platform.clock_mhz <= 0:
            return
        pll = find_pll(self.family, self.oscillator_mhz, platform.clock_mhz)
        if self.oscillator_mhz != platform.clock_mhz and pll is None:
            yield Fault(
                ("oscillator_mhz",),
                f"the PLL of an {self.family.value} cannot make `clock_mhz` {platform.clock_mhz:g} of "
                f"{self.oscillator_mhz:g} MHz within 1 %",
            )
        cycles = platform.clock_mhz * 1e6 / self.baud if self.baud > 0 else 0.0
        if round(cycles) < _LEAST or abs(round(cycles) / cycles - 1) > _TOLERANCE:
            yield Fault(
                ("baud",),
                f"{self.baud} baud cannot be made of a clock of {platform.clock_mhz:g} MHz: a bit must last a whole "
                f"number of cycles, {_LEAST} or more, within {_TOLERANCE:.0%}",
            )

    def cycles(self, clock_mhz: float, count: int) -> int:
        """Clock cycles that so many bytes take on the line, without the packets around them."""
        return count * BYTE_BITS * round(clock_mhz * 1e6 / self.baud)

    def summary(self) -> str:
        return f"serial line with {self.baud:,} baud; open tools up to the bitstream ({self.family.value})"
