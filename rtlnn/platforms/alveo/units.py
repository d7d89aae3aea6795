"""Where the compute units of a kernel go: a die and memory banks for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from rtlnn.emit.interface import ComputeUnit
from rtlnn.errors import InputError
from rtlnn.layers.component import Resources
from rtlnn.platforms.alveo.shell import MOST_UNITS, VitisShell
from rtlnn.platforms.spec import MemoryBank, Platform

__all__ = ["SHELL", "STREAM_BRAM", "place_units", "unit_share", "weight_channels", "with_units"]

SHELL = Resources(bram36=16)
"""What a unit has around its core: the two FIFOs. Its registers and converters are small, and are not estimated."""

STREAM_BRAM = 8
"""Block RAMs of a stream's FIFO."""

_NAMES = [f.name for f in fields(Resources)]


def with_units(platform: Platform, count: int) -> Platform:
    """The platform with so many compute units. Raises `InputError` if it has no shell for several, or not so many."""
    shell = platform.shell
    if not isinstance(shell, VitisShell):
        raise InputError(f"platform {platform.name} has no compute units to choose: its shell is no Vitis RTL kernel")
    if not 1 <= count <= MOST_UNITS:
        raise InputError(f"there can be 1 to {MOST_UNITS} compute units, not {count}")
    return replace(platform, shell=replace(shell, compute_units=count))


def unit_share(platform: Platform) -> Resources:
    """What one unit may fill: the smallest share of a die if the units are spread over the dies by their LUTs.

    A single unit may have the whole chip.
    """
    shell = platform.shell
    if not isinstance(shell, VitisShell) or shell.compute_units == 1:
        return platform.available
    counts = dict.fromkeys(platform.slrs, 0)
    for _ in range(shell.compute_units):
        region = max(counts, key=lambda r: r.lut / (counts[r] + 1))
        counts[region] += 1
    shares = [
        {name: getattr(region.resources, name) / count for name in _NAMES} for region, count in counts.items() if count
    ]
    return _resources({name: min(share[name] for share in shares) for name in _NAMES})


def weight_channels(platform: Platform, buses: int) -> tuple[float, ...]:
    """Bytes a cycle of the banks that a unit reads streamed weights from, beside `buses` buses for frames.

    They are the unit's share of the banks; where each bus has a bank of its own, without those of the frames. Empty if
    there is none, or the rate of one is unknown.
    """
    shell = platform.shell
    if not isinstance(shell, VitisShell):
        return ()
    banks = shell.banks(platform)
    count = len(banks) // shell.compute_units - (buses if shell.bank_per_bus else 0)
    rates = [bank.gigabytes_per_second for bank in banks]
    if count < 1 or None in rates:
        return ()
    return (min(rate for rate in rates if rate) * 1000 / platform.clock_mhz,) * count


def place_units(
    kernel: str,
    platform: Platform,
    core: Resources,
    buses: Sequence[str],
    streams: Mapping[str, int] | None = None,
) -> tuple[ComputeUnit, ...]:
    """The compute units of `kernel`, each of whose cores takes `core`.

    `buses` are those for frames; `streams` those for streamed weights, with the number of their memory channel.

    Units are spread evenly over the dies; among equally filled ones that with a free bank, or closest to one, is
    taken, then that with the most room. Where a unit is larger than every die, no die is chosen: the vendor's tools
    then place it across several.
    Raises `InputError` with the numbers if there are too few banks, or the units do not fit.
    """
    shell = platform.shell
    assert isinstance(shell, VitisShell)
    streams = streams or {}
    count, need = shell.compute_units, core + SHELL + Resources(bram36=STREAM_BRAM * len(streams))
    own = len(buses) if shell.bank_per_bus else 1
    channels = len(weight_channels(platform, len(buses))) if streams else 0
    floor = _Floor(platform, shell.banks(platform), own + channels if shell.bank_per_bus else max(own, channels))
    most = len(floor.banks) // floor.banks_a_unit
    if count > most:
        raise InputError(
            f"{count} compute units need {count * floor.banks_a_unit} {shell.memory} banks, {floor.banks_a_unit} each; "
            f"platform {platform.name} has {len(floor.banks)}: take at most {most}"
        )
    anywhere = not any(_fits(need, region.resources) for region in platform.slrs)
    if anywhere and count > 1:
        _check_sum(platform, count, need)
    units = []
    for number in range(count):
        region = None if anywhere else floor.region(need)
        if region is None and not anywhere:
            raise InputError(_no_room(platform, count, number, need, floor.left))
        banks = floor.take_banks(region)
        # weights come from all banks of the unit, or from all but those of the frames
        by_bus = dict(zip(buses, banks if shell.bank_per_bus else banks[:1] * len(buses), strict=False))
        by_bus |= {bus: banks[channel - channels] for bus, channel in streams.items()}
        units.append(ComputeUnit(f"{kernel}_{number + 1}", region, by_bus))
    return tuple(units)


@dataclass
class _Floor:
    """What is left of the chip while units are placed."""

    platform: Platform
    banks: list[MemoryBank]
    banks_a_unit: int
    left: dict[str, Resources] = field(init=False)
    units: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.left = {region.name: region.resources for region in self.platform.slrs}
        self.units = dict.fromkeys(self.left, 0)

    def region(self, need: Resources) -> str | None:
        """Take the place of a unit; None if no region has room."""
        roomy = [name for name, left in self.left.items() if _fits(need, left)]
        if not roomy:
            return None
        best = min(roomy, key=lambda name: (self.units[name], self._distances(name)[0], -self.left[name].lut))
        self.left[best] = _minus(self.left[best], need)
        self.units[best] += 1
        return best

    def take_banks(self, region: str | None) -> list[str]:
        """The free banks closest to `region`."""
        order = list(range(len(self.banks)))
        if region is not None:
            distances = self._bank_distances(region)
            order.sort(key=lambda i: (distances[i], i))
        taken = sorted(order[: self.banks_a_unit])
        names = [self.banks[i].name for i in taken]
        self.banks = [bank for bank in self.banks if bank.name not in names]
        return names

    def _distances(self, region: str) -> list[int]:
        return sorted(self._bank_distances(region))

    def _bank_distances(self, region: str) -> list[int]:
        """Dies between `region` and each free bank."""
        names = list(self.left)
        return [abs(names.index(bank.slr) - names.index(region)) for bank in self.banks]


def _resources(amounts: dict[str, float]) -> Resources:
    return Resources(**{n: amounts[n] if n == "bram36" else int(amounts[n]) for n in _NAMES})  # type: ignore[arg-type]


def _fits(need: Resources, room: Resources) -> bool:
    return all(getattr(need, name) <= getattr(room, name) for name in _NAMES)


def _minus(room: Resources, need: Resources) -> Resources:
    return _resources({name: getattr(room, name) - getattr(need, name) for name in _NAMES})


def _check_sum(platform: Platform, count: int, need: Resources) -> None:
    available = platform.available
    short = [n for n in _NAMES if count * getattr(need, n) > getattr(available, n)]
    if short:
        wanted = ", ".join(f"{count * getattr(need, n):,g} of {getattr(available, n):,g} {n.upper()}" for n in short)
        raise InputError(
            f"{count} compute units do not fit platform {platform.name}: they take {wanted}; "
            "take fewer units, or smaller ones (--target-fps, --max-dsp, --max-lut, --max-bram)"
        )


def _no_room(platform: Platform, count: int, placed: int, need: Resources, left: dict[str, Resources]) -> str:
    takes = ", ".join(f"{getattr(need, n):,g} {n.upper()}" for n in _NAMES)
    rest = []
    for name, room in left.items():
        short = [f"{getattr(room, n):,g} {n.upper()}" for n in _NAMES if getattr(room, n) < getattr(need, n)]
        rest.append(f"{name} only {', '.join(short)}")
    return (
        f"{count} compute units do not fit platform {platform.name}: each takes {takes}; after {placed} of them "
        f"{'; '.join(rest)} are left. Take {placed}, or smaller ones (--target-fps, --max-dsp, --max-lut, --max-bram)"
    )
