"""The cells of a design as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby

from rich.table import Table

from rtlnn.cli.console import amount, print_lines, stdout
from rtlnn.emit.names import SEPARATOR
from rtlnn.synthesis import Cells, ModuleCells, Path, SynthResult

__all__ = ["print_cells"]

NAMES = tuple(field.name for field in fields(Cells))


def print_cells(result: SynthResult, paths: int = 1) -> None:
    """Print the cells of every module, all its instances together, the totals, and the `paths` longest paths."""
    table = Table(title=f"cells of {result.top}, all instances of a module together", title_justify="left")
    table.add_column("module", overflow="fold")
    for name in ("instances", *NAMES, "logic depth"):
        table.add_column(name.upper() if name in NAMES else name, justify="right", no_wrap=True)
    for name, instances, cells, depth in _rows(result.modules):
        table.add_row(name, amount(instances), *_cells(cells), depth)
    table.add_section()
    table.add_row("all", "", *_cells(result.cells), f"{result.depth:g}")
    stdout().print(table)
    print_lines(f"{result.tool} for {result.family.value}, {result.seconds:.1f} s; LUT counts LUTRAM and SRL too")
    print_lines("logic depth: LUT levels between registers, RAMs and multipliers; 8 carry elements count as one")
    for module in result.modules:
        if not module.memory:
            print_lines(f"{module.name}: {module.arriving:g} levels from its ports, {module.leaving:g} to them")
            print_lines(*(f"  {_path(path)}" for path in module.paths[: max(paths, 0)]))
    if result.path:
        print_lines(f"the whole design, across modules: {_path(result.path)}")


def _rows(modules: Sequence[ModuleCells]) -> Iterator[tuple[str, int, Cells, str]]:
    """Name, instances, cells of them all, and depth; the memories of a layer in one row."""

    def owner(module: ModuleCells) -> str:
        return module.name.rpartition(SEPARATOR)[0] or module.name if module.memory else module.name

    for (name, memory), group in groupby(modules, lambda m: (owner(m), m.memory)):
        members = list(group)
        shown = f"{name}{SEPARATOR}*" if len(members) > 1 else members[0].name
        cells = sum((m.cells * m.instances for m in members), Cells())
        depth = "memory" if memory else f"{members[0].depth:g}"
        yield shown, sum(m.instances for m in members), cells, depth


def _path(path: Path) -> str:
    return f"{path.levels:g} levels from {path.start} to {path.end}"


def _cells(cells: Cells) -> list[str]:
    return [amount(getattr(cells, name)) for name in NAMES]
