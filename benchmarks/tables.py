"""Results as Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.cases import CASES, Case, peers_of
from benchmarks.figures import Figure, Figures
from benchmarks.results import Row

__all__ = ["accuracy_table", "comparison_table", "folding_table", "reach_table", "sources"]

COLUMNS = (Figure.INTERVAL, Figure.LATENCY, Figure.DSP, Figure.LUT, Figure.FF, Figure.BRAM36)
UNMEASURED = "-"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _shown(figures: Figures, wanted: Iterable[Figure]) -> list[str]:
    return [f.show(figures[f]) if f in figures else UNMEASURED for f in wanted]


def _speed(figures: Figures, clock_mhz: float | None) -> list[str]:
    """Clock and frames a second, the latter to three digits."""
    if Figure.INTERVAL not in figures or not clock_mhz:
        return [UNMEASURED, UNMEASURED]
    return [f"{clock_mhz:g}", f"{float(f'{clock_mhz * 1e6 / figures[Figure.INTERVAL]:.3g}'):,.0f}"]


def comparison_table(rows: Iterable[Row], cases: Sequence[Case] = CASES) -> str:
    """Our designs and others', network by network."""
    measured = {row.title: row for row in rows}
    wanted = (*COLUMNS, Figure.EFFICIENCY, Figure.DEPTH)
    head = ["network", "design", *(f.title for f in wanted), "MHz", "frames/s"]
    lines = []
    for name in dict.fromkeys(case.network.name for case in cases):
        own = [case for case in cases if case.network.name == name]
        for case in own:
            if (row := measured.get(case.title)) is None:
                continue
            missed = "" if row.figures and not row.missed else " ✗"
            lines.append([name, f"**rtlnn**, {case.target}{missed}", *_shown(row.figures, wanted)])
            lines[-1] += _speed(row.figures, row.clock_mhz if row.figures else None)
        for peer in peers_of(own):
            lines.append([name, peer.name, *_shown(peer.figures, wanted), *_speed(peer.figures, peer.clock_mhz)])
    return _table(head, lines)


def reach_table(rows: Iterable[Row]) -> str:
    """What each design was to reach, and whether it did."""
    lines = []
    for row in rows:
        for limit in row.reach:
            value = limit.figure.show(row.figures[limit.figure]) if limit.figure in row.figures else UNMEASURED
            lines.append([row.title, str(limit), value, "yes" if limit.met(row.figures) else "**no**"])
        if row.shortfall:
            lines.append([row.title, "its target", row.shortfall, "**no**"])
    return _table(["design", "reach", "measured", "met"], lines)


def sources(cases: Sequence[Case] = CASES) -> str:
    """Where networks and other designs are from, as a list."""
    lines = []
    for network in {case.network.name: case.network for case in cases}.values():
        t = network.topology
        lines.append(f"- {network.name} ({t.weights:,} weights, {t.macs:,} multiplications a frame): {network.source}")
        for peer in peers_of(case for case in cases if case.network is network):
            note = f"; {peer.note}" if peer.note else ""
            lines.append(f"  - {peer.name}: {peer.source}{note}.")
    return "\n".join(lines) + "\n"


def accuracy_table(rows: Sequence[Row]) -> str:
    """One line a network. Every image went through the RTL; all output bits equalled the integer reference's."""
    lines = []
    for row in {row.network: row for row in reversed(rows)}.values():
        kinds = (row.notes["float"], row.notes["integer"], row.figures[Figure.ACCURACY])
        lines.append([row.network, f"{row.notes['images']:,}", *(f"{100 * k:.2f} %" for k in kinds)])
    return _table(["network", "test images", "float", "integer reference", "simulated RTL"], reversed(lines))


def folding_table(rows: Sequence[Row]) -> str:
    """One line a folding. Cycles are simulated, and were planned exactly so."""
    lines = [
        [row.network, *_shown(row.figures, COLUMNS), f"{row.clock_mhz * 1e6 / row.figures[Figure.INTERVAL]:,.0f}"]
        for row in rows
    ]
    return _table(["network", *(f.title for f in COLUMNS), "frames/s at 300 MHz"], lines)
