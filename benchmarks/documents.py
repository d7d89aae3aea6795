"""Writes what was measured: results.md, results.json, results.svg, and the README's tables."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.results import Row, save
from benchmarks.tables import accuracy_table, comparison_table, folding_table, reach_table, sources
from rtlnn.errors import InputError

__all__ = ["BEGIN", "END", "with_section", "write"]

BEGIN, END = "<!-- python -m benchmarks writes from here -->", "<!-- to here -->"
LEGEND = (
    "✗ marks a design that misses one of its goals ([benchmarks/results.md](benchmarks/results.md) says which). "
    "Efficiency is multiplications / (interval × 2 × all DSPs); pixels that no pool reads count, computed or not.\n"
)


def write(networks: Sequence[Row], examples: Sequence[Row], root: Path) -> str:
    """Write all files below `root`, the repository; returns the text of results.md."""
    folder = root / "benchmarks"
    compared, trained = comparison_table(networks), f"{accuracy_table(examples)}\n{folding_table(examples)}"
    commits = sorted({row.commit for row in (*networks, *examples)})
    text = (
        f"# Results\n\nMeasured at {', '.join(commits)} by `python -m benchmarks`.\n\n"
        f"## Beside others\n\n{compared}\n![cycles against DSPs and LUTs](results.svg)\n\n{sources()}\n"
        f"## Goals\n\n{reach_table(networks)}\n{_machine(networks)}\n## Trained networks\n\n{trained}"
    )
    section = f"{compared}\n{LEGEND}\n![cycles against DSPs and LUTs](benchmarks/results.svg)\n\n{trained}"
    readme = root / "README.md"
    filled = with_section(readme.read_text(), section)
    save((*networks, *examples), folder / "results.json")
    (folder / "results.md").write_text(text)
    draw(networks, folder / "results.svg")
    readme.write_text(filled)
    return text


def _machine(rows: Sequence[Row]) -> str:
    """What building took."""
    built = [row for row in rows if "build_seconds" in row.notes]
    if not built:
        return ""
    slowest = max(built, key=lambda row: row.notes["build_seconds"])
    largest = max(built, key=lambda row: row.notes["build_megabytes"])
    return (
        f"Building took at most {slowest.notes['build_seconds']:g} s ({slowest.title}) "
        f"and {largest.notes['build_megabytes']:,} MB ({largest.title}).\n"
    )


def with_section(text: str, section: str) -> str:
    """`text` with what is between its marks replaced. Raises `InputError` if it has not both marks, once each."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(f"README.md must hold the lines {BEGIN!r} and {END!r} once, in that order")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{section}{END}{after}"
