"""Compute units: dies, banks and the link configuration; what is said where they do not fit."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from kernel_stub import Sizes

from rtlnn.emit.interface import ComputeUnit, Interface
from rtlnn.errors import InputError
from rtlnn.platforms import Platform, Resources, load_platform
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.alveo.units import place_units, unit_share, with_units
from rtlnn.platforms.shells import emit_shell

CARDS = ("u200", "u250", "u280", "u50", "u55c")
BUSES = ["m_axi_in", "m_axi_out"]
SMALL = Resources(lut=10_000, ff=20_000, dsp=100, bram36=50, uram=0)


def placed(
    card: str, count: int, need: Resources = SMALL, buses: list[str] = BUSES
) -> tuple[Platform, tuple[ComputeUnit, ...]]:
    platform = with_units(load_platform(card), count)
    return platform, place_units("net_kernel", platform, need, buses)


def parse(path: Path) -> dict[str, list[str]]:
    """Values of a link configuration by key, as v++ reads it: `key=value` lines, sections, comments."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize(("card", "count"), [("u200", 1), ("u250", 4), ("u280", 4)])
def test_link_configuration(card: str, count: int, tmp_path: Path) -> None:
    platform, units = placed(card, count)
    emit_shell(replace(Sizes(3, 80, 5).interface, units=units), platform, tmp_path)
    told = parse(tmp_path / "kernel/core.cfg")
    assert isinstance(platform.shell, VitisShell)
    assert told["platform"] == [platform.shell.target]
    assert told["kernel_frequency"] == ["300"]
    kernel, number, names = told["nk"][0].split(":")
    assert (kernel, int(number)) == ("core_kernel", count)
    slrs = {slr.name: slr for slr in platform.slrs}
    assert [name for name, _ in (s.split(":") for s in told["slr"])] == names.split(".")
    assert {slr for _, slr in (s.split(":") for s in told["slr"])} <= set(slrs)
    banks: dict[str, set[str]] = {}
    seen = set()
    for port in told["sp"]:
        place, _, bank = port.partition(":")
        unit, _, bus = place.partition(".")
        seen.add((unit, bus))
        assert platform.bank(bank) in platform.shell.banks(platform)
        banks.setdefault(unit, set()).add(bank)
    assert seen == {(unit, bus) for unit in names.split(".") for bus in BUSES}
    assert len(set().union(*banks.values())) == sum(map(len, banks.values())), "two units share a bank"
    assert {len(b) for b in banks.values()} == {len(BUSES) if platform.shell.bank_per_bus else 1}


def test_units_go_where_banks_and_room_are() -> None:
    _, units = placed("u200", 4)
    assert [(u.slr, u.banks["m_axi_in"]) for u in units] == [
        ("SLR0", "DDR[0]"),
        ("SLR2", "DDR[3]"),
        ("SLR1", "DDR[1]"),
        ("SLR1", "DDR[2]"),
    ]
    _, units = placed("u55c", 6)
    assert Counter(u.slr for u in units) == {"SLR0": 2, "SLR1": 2, "SLR2": 2}
    _, units = placed("u250", 2, replace(SMALL, lut=250_000))
    assert [u.slr for u in units] == ["SLR0", "SLR3"], "the smaller die SLR1 has no room for it"


def test_a_unit_larger_than_a_die_is_left_to_the_tools(tmp_path: Path) -> None:
    platform, units = placed("u200", 1, replace(SMALL, dsp=4000))
    assert units[0].slr is None
    emit_shell(replace(Sizes(3, 80, 5).interface, units=units), platform, tmp_path)
    assert "slr" not in parse(tmp_path / "kernel/core.cfg")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("count", range(1, 5))
def test_units_of_their_share_fit(card: str, count: int) -> None:
    """The planner fills at most 70 % of it; the FIFOs of the shell come on top."""
    share = unit_share(with_units(load_platform(card), count))
    need = Resources(*(int(0.7 * getattr(share, name)) for name in ("lut", "ff", "dsp", "bram36", "uram")))
    _, units = placed(card, count, need)
    assert len(units) == count


def test_one_unit_may_have_the_whole_chip() -> None:
    assert unit_share(load_platform("u250")) == load_platform("u250").available
    assert unit_share(load_platform("vu9p")) == load_platform("vu9p").available


@pytest.mark.parametrize(
    ("card", "count", "need", "message"),
    [
        ("u200", 5, SMALL, r"5 compute units need 5 DDR banks, 1 each; platform u200 has 4: take at most 4"),
        ("u50", 17, SMALL, r"17 compute units need 34 HBM banks, 2 each; platform u50 has 32: take at most 16"),
        ("u200", 4, replace(SMALL, dsp=1500), r"after 2 of them SLR0 only 780 DSP; SLR1 only 1,320 DSP; .*Take 2, or"),
        ("u200", 2, replace(SMALL, dsp=3000), r"they take 6,000 of 5,880 DSP; take fewer units, or smaller ones"),
        ("u200", 0, SMALL, r"1 to 31 compute units, not 0"),
        ("u50", 32, SMALL, r"1 to 31 compute units, not 32"),
        ("vu9p", 2, SMALL, r"platform vu9p has no compute units to choose"),
    ],
)
def test_what_does_not_fit(card: str, count: int, need: Resources, message: str) -> None:
    with pytest.raises(InputError, match=message):
        placed(card, count, need)


def test_a_third_bus_takes_a_third_bank() -> None:
    buses = [*BUSES, "m_axi_weights"]
    _, units = placed("u280", 10, buses=buses)
    assert len({bank for unit in units for bank in unit.banks.values()}) == 30
    with pytest.raises(InputError, match=r"11 compute units need 33 HBM banks, 3 each; .* take at most 10"):
        placed("u280", 11, buses=buses)


def test_the_interface_tells_of_the_units(tmp_path: Path) -> None:
    interface = replace(Sizes(3, 80, 5).interface, units=placed("u280", 3)[1])
    (tmp_path / "interface.json").write_text(interface.to_json())
    assert Interface.load(tmp_path) == interface
