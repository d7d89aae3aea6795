"""What place-and-route found, for people."""

from pathlib import Path

from rich.table import Table

from rtlnn.bitstream import BitstreamResult
from rtlnn.cli.console import print_lines, stdout

__all__ = ["print_bitstream"]


def print_bitstream(result: BitstreamResult, build_dir: Path) -> None:
    """Cells and clock, and where the bitstream is."""
    table = Table("placed and routed", *result.cells)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("chip", *(f"{usage.used:,}" for usage in result.cells.values()))
    table.add_row("available", *(f"{usage.available:,}" for usage in result.cells.values()))
    stdout().print(table)
    print_lines(f"clock     {result.achieved_mhz:.1f} MHz reached, {result.wanted_mhz:g} MHz wanted")
    if result.file:
        print_lines(f"bitstream {build_dir / result.file}; next: load it, and rtlnn run {build_dir} INPUTS --port PORT")
