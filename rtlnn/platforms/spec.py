"""What a platform is: the facts about a chip or a board that the plan and the emission use."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.aws.shell import AwsShell
from rtlnn.platforms.uart.shell import UartShell
from rtlnn.platforms.zynq.shell import ZynqShell
from rtlnn.records import Fault, Unit

__all__ = ["Arithmetic", "MemoryBank", "Platform", "Region", "Resources", "Shell"]

Shell = VitisShell | AwsShell | ZynqShell | UartShell
"""What surrounds the core on the chip and joins it to its host; each keeps `shell_protocol.ShellSpec`."""

_MEGAHERTZ = Unit("MHz", {"hz": 1e-6, "khz": 1e-3, "ghz": 1e3})
_GIBIBYTES = Unit(
    "GiB", {"b": 2**-30, "kib": 2**-20, "mib": 2**-10, "tib": 2**10, "gb": 1e9 / 2**30, "mb": 1e6 / 2**30}
)
_GIGABYTES_PER_SECOND = Unit("GB/s", {"b/s": 1e-9, "kb/s": 1e-6, "mb/s": 1e-3, "tb/s": 1e3, "gib/s": 2**30 / 1e9})
_FASTEST_MHZ = 2000
_LARGEST_GIBIBYTES = 4096


@dataclass(frozen=True)
class Region:
    """One die of the chip (super logic region), with what the *user* may fill of it.

    `bram36` are block RAMs of 36 Kbit; smaller ones count as the part of it that they are.
    """

    name: str
    lut: int
    ff: int
    dsp: int
    bram36: float
    uram: int

    @property
    def resources(self) -> Resources:
        return Resources(self.lut, self.ff, self.dsp, self.bram36, self.uram)

    def faults(self) -> Iterator[Fault]:
        """Amounts that no chip has."""
        for name in ("lut", "ff", "dsp", "bram36", "uram"):
            amount = getattr(self, name)
            if not math.isfinite(amount) or amount < 0:
                yield Fault((name,), f"region {self.name} cannot have {amount:g} of `{name}`")


@dataclass(frozen=True)
class MemoryBank:
    """One bank of external memory, and the region its controller is in.

    Parameters
    ----------
    gibibytes : its size
    gigabytes_per_second : the peak rate of its interface, in 10^9 bytes a second; None if unknown
    """

    name: str
    slr: str
    gibibytes: float = field(metadata={"unit": _GIBIBYTES})
    gigabytes_per_second: float | None = field(default=None, metadata={"unit": _GIGABYTES_PER_SECOND})

    def faults(self) -> Iterator[Fault]:
        """Sizes and rates that no memory has."""
        if not 0 < self.gibibytes <= _LARGEST_GIBIBYTES:
            yield Fault(("gibibytes",), f"memory bank {self.name} cannot have {self.gibibytes:g} GiB")
        rate = self.gigabytes_per_second
        if rate is not None and not 0 < rate < math.inf:
            yield Fault(("gigabytes_per_second",), f"memory bank {self.name} cannot deliver {rate:g} GB/s")


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
    clock_mhz: float = field(metadata={"unit": _MEGAHERTZ})
    arithmetic: Arithmetic
    slrs: tuple[Region, ...]
    source: str
    memory: tuple[MemoryBank, ...] = ()
    shell: Shell | None = None

    @property
    def available(self) -> Resources:
        """What the user may fill: the sum over all regions."""
        return sum((region.resources for region in self.slrs), Resources())

    @property
    def bytes_per_cycle(self) -> float:
        """What all memory banks whose rate is known deliver together in a clock cycle, at their peak."""
        return sum(bank.gigabytes_per_second or 0.0 for bank in self.memory) * 1000 / self.clock_mhz

    def bank(self, name: str) -> MemoryBank:
        """The memory bank of that name; `KeyError` if there is none."""
        for bank in self.memory:
            if bank.name == name:
                return bank
        raise KeyError(name)

    def faults(self) -> Iterator[Fault]:
        """Numbers and names that contradict one another."""
        if not 0 < self.clock_mhz <= _FASTEST_MHZ:
            hint = f"; write {self.clock_mhz / 1e6:g}?" if self.clock_mhz / 1e3 > _FASTEST_MHZ else ""
            wanted = f"must be more than 0 and at most {_FASTEST_MHZ} MHz, not {self.clock_mhz:g}"
            yield Fault(("clock_mhz",), f"`clock_mhz` {wanted}{hint}")
        if not self.slrs:
            yield Fault(("slrs",), "`slrs` is empty; a chip without dies is one region")
        elif not self.available.lut:
            yield Fault(("slrs",), "no region has a LUT; nothing can be built of that")
        elif not self.available.dsp and self.arithmetic is not Arithmetic.GENERIC:
            text = f"multipliers are {self.arithmetic.value}, but no region has a `dsp`; write GENERIC, or their number"
            yield Fault(("arithmetic",), text)
        regions = [region.name for region in self.slrs]
        for key, what, names in (
            ("slrs", "regions", regions),
            ("memory", "memory banks", [bank.name for bank in self.memory]),
        ):
            for number, name in _repeated(names):
                yield Fault((key, number, "name"), f"two {what} are called {name}")
        for number, bank in enumerate(self.memory):
            if bank.slr not in regions:
                text = f"memory bank {bank.name} is in {bank.slr}, which is no region; there are {', '.join(regions)}"
                yield Fault(("memory", number, "slr"), text)
        if self.shell is not None:
            yield from (fault.under("shell") for fault in self.shell.misfits(self))


def _repeated(names: list[str]) -> Iterator[tuple[int, str]]:
    """Place and name of every one that was there before."""
    seen: Counter[str] = Counter()
    for number, name in enumerate(names):
        if seen[name]:
            yield number, name
        seen[name] += 1
