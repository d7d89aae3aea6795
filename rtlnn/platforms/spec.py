"""What a platform is: the facts about a chip or a board that the plan and the emission use."""

from dataclasses import dataclass
from enum import Enum

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources

__all__ = ["Arithmetic", "MemoryBank", "Platform", "Region", "Resources", "Shell", "ShellSpec"]


class Shell(Enum):
    """What surrounds the core on the chip and joins it to its host."""

    VITIS_RTL_KERNEL = "vitis_rtl_kernel"


@dataclass(frozen=True)
class Region:
    """One die of the chip (super logic region), with what the *user* may fill of it."""

    name: str
    lut: int
    ff: int
    dsp: int
    bram36: int
    uram: int

    @property
    def resources(self) -> Resources:
        return Resources(self.lut, self.ff, self.dsp, self.bram36, self.uram)


@dataclass(frozen=True)
class MemoryBank:
    """One bank of external memory, and the region its controller is in."""

    name: str
    slr: str
    gibibytes: int


@dataclass(frozen=True)
class ShellSpec:
    """The shell, the name of the vendor's target platform, and the memory bank that frames are exchanged in."""

    kind: Shell
    target: str
    bank: str


@dataclass(frozen=True)
class Platform:
    """A chip or board.

    Parameters
    ----------
    name, description : for the user
    part : the vendor's full part name
    clock_mhz : the clock that designs aim at
    arithmetic : what the multipliers can do
    slrs : the dies, with the resources that are left to the user
    source : where the resource numbers are from
    memory : external memory banks
    shell : what surrounds the core, None for a bare device
    """

    name: str
    description: str
    part: str
    clock_mhz: float
    arithmetic: Arithmetic
    slrs: tuple[Region, ...]
    source: str
    memory: tuple[MemoryBank, ...] = ()
    shell: ShellSpec | None = None

    @property
    def available(self) -> Resources:
        """What the user may fill: the sum over all regions."""
        return sum((region.resources for region in self.slrs), Resources())

    def bank(self, name: str) -> MemoryBank:
        """The memory bank of that name; `KeyError` if there is none."""
        for bank in self.memory:
            if bank.name == name:
                return bank
        raise KeyError(name)
