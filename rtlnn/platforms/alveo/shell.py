"""What a platform file says of a Vitis shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import MemoryBank, Platform

__all__ = ["MOST_UNITS", "VitisShell"]

MOST_UNITS = 31
"""Compute units of a kernel that v++ links at most (UG1700, "Design Topology")."""

_LEAST_BUSES = 2
"""Memory buses of a kernel: frames and results; one more where weights are loaded."""


@dataclass(frozen=True)
class VitisShell:
    """An Alveo card's shell, which takes the design as a Vitis RTL kernel.

    Parameters
    ----------
    target : the vendor's name of the platform, for v++
    memory : the kind of memory that frames are exchanged in: the banks' names before the bracket, such as DDR
    bank_per_bus : each memory bus of a compute unit has a bank of its own, for banks that are slower than a bus; else
        all buses of a unit share one
    compute_units : copies of the design, each with its own banks
    """

    kind: ClassVar[str] = "vitis_rtl_kernel"
    suffix: ClassVar[str] = "_kernel"

    target: str
    memory: str
    bank_per_bus: bool = False
    compute_units: int = 1

    def banks(self, platform: "Platform") -> list["MemoryBank"]:
        """The banks for frames, in the platform's order."""
        return [bank for bank in platform.memory if bank.name.partition("[")[0] == self.memory]

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        banks, units = len(self.banks(platform)), self.compute_units
        needed = units * (_LEAST_BUSES if self.bank_per_bus else 1)
        if not banks:
            yield Fault(("memory",), f"the shell uses {self.memory}, of which `memory` lists no bank")
        elif 1 <= units <= MOST_UNITS and needed > banks:
            text = f"{units} compute units need {needed} banks of {self.memory}; `memory` lists {banks}"
            yield Fault(("compute_units",), text)
        if not 1 <= self.compute_units <= MOST_UNITS:
            text = f"there can be 1 to {MOST_UNITS} compute units, not {self.compute_units}"
            yield Fault(("compute_units",), text)

    def summary(self) -> str:
        units = "" if self.compute_units == 1 else f"{self.compute_units} units of a "
        return f"{units}Vitis RTL kernel for {self.target}, frames in {self.memory}"
