"""The cells of a design as a table."""

from dataclasses import fields

from rich.table import Table

from rtlnn.cli.console import amount, print_lines, stdout
from rtlnn.synthesis import Cells, ModuleCells, SynthResult

__all__ = ["print_cells"]

NAMES = tuple(field.name for field in fields(Cells))


def print_cells(result: SynthResult) -> None:
    """Print the cells of every module, all its instances together, and the totals."""
    table = Table(title=f"cells of {result.top}, all instances of a module together", title_justify="left")
    table.add_column("module", overflow="fold")
    for name in ("instances", *NAMES, "logic depth"):
        table.add_column(name if name in ("instances", "logic depth") else name.upper(), justify="right", no_wrap=True)
    for module in result.modules:
        table.add_row(module.name, amount(module.instances), *_cells(module.cells * module.instances), _depth(module))
    table.add_section()
    table.add_row("all", "", *_cells(result.cells), str(result.depth))
    stdout().print(table)
    print_lines(f"{result.tool}, {result.seconds:.1f} s; LUT counts LUTRAM and SRL too; logic depth is in LUTs")


def _cells(cells: Cells) -> list[str]:
    return [amount(getattr(cells, name)) for name in NAMES]


def _depth(module: ModuleCells) -> str:
    return "memory" if module.memory else str(module.depth)
