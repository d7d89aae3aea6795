"""What goes to the terminal: results to stdout; progress to stderr, only if that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["amount", "bar_display", "print_lines", "stdout", "step_display"]

PLAIN_WIDTH = 132
"""Of tables that go to a file or a pipe."""


def stdout() -> Console:
    """The console for results: as wide as the terminal, or `PLAIN_WIDTH`; brackets in names are no markup."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, markup=False, emoji=False)


def amount(number: float) -> str:
    """A number of things, of which there can be halves (of block RAMs)."""
    return f"{number:,.1f}".removesuffix(".0")


def print_lines(*lines: str) -> None:
    """Print text as it is."""
    for line in lines:
        stdout().print(line, soft_wrap=True)


def _progress(*columns: TextColumn | BarColumn | MofNCompleteColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(), *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    )


@contextmanager
def step_display() -> Iterator[Callable[[str], None]]:
    """Shows the step that runs, and the time; call the function with every new step."""
    with _progress(TextColumn("{task.description}", markup=False)) as display:
        task = display.add_task("starting", total=None)
        yield lambda step: display.update(task, description=step)


@contextmanager
def bar_display() -> Iterator[Callable[[str, int, int], None]]:
    """Shows a bar for every step; call the function with (step, done, total)."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
    with _progress(*columns) as display:
        task = display.add_task("starting", total=None)

        def show(step: str, done: int, total: int) -> None:
            display.update(task, description=step, completed=done, total=total)

        yield show
