"""The times of events: the least ones with which nothing comes before what it waits for.

The graph is made into arrays of numbers, and these are worked through by a loop of a few lines that is written twice:
compiled, for anything large, and in Python, for what is small and for machines without a compiler.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.timing import NEVER, Events, Wait

__all__ = ["System", "compiled_solver", "solve", "solve_in_python"]

COMPILERS = ("g++", "clang++")
"""That of simulations, or another one."""
_SMALL = 5_000
"""Occurrences below which it takes longer to compile than to interpret."""


@dataclass(frozen=True, eq=False)
class System:
    """A graph as arrays of 64 bit integers, of which the rows are the structs of times.cpp.

    Parameters
    ----------
    events : what happens; all that happens together is one of them
    times : of the occurrences of each, as many as are wanted
    columns : [n, 7]: address of `times`, occurrences wanted, found; addresses of the first wait and of the end of the
        last; and what is waited for: address of the events, index
    waits : [m, 10]: address of the events, delay, behind; of the table advance, length, width, addresses of entries
        and of delays; state: row of the table, what to add
    """

    events: list[Events]
    times: list[Array]
    columns: Array
    waits: Array

    @classmethod
    def of(cls, events: Sequence[Events], frames: int) -> "System":
        roots = list(dict.fromkeys(e.root for e in events))
        numbers = {e: n for n, e in enumerate(roots)}
        # what waits for nothing has its times already
        times = [np.empty(e.count * frames, np.int64) if e.waits else e.times for e in roots]
        columns = np.zeros((len(roots), 7), np.int64)
        waits = np.zeros((sum(len(e.waits) for e in roots), 10), np.int64)
        m = 0
        for n, (e, wanted) in enumerate(zip(roots, times, strict=True)):
            first = m
            for wait in e.waits:
                waits[m, :3] = _address(columns, numbers[wait.events.root]), wait.delay, wait.behind
                if where := wait.where:
                    length = len(where.table)
                    waits[m, 3:7] = where.advance, length, where.table.size // length, where.table.ctypes.data
                    waits[m, 7] = 0 if where.delays is None else where.delays.ctypes.data
                m += 1
            found, own = 0 if e.waits else len(wanted), _address(columns, n)
            columns[n, :3] = wanted.ctypes.data, len(wanted), found
            columns[n, 3:] = _address(waits, first), _address(waits, m), own, -1
        return cls(roots, times, columns, waits)

    def keep(self, found: Sequence[int]) -> None:
        """So many times of each of the events are known."""
        for e, times, count in zip(self.events, self.times, found, strict=True):
            e.times = times[:count]


def _address(rows: Array, n: int) -> int:
    """Of a row."""
    return rows.ctypes.data + n * rows.strides[0]


Solver: TypeAlias = Callable[[System], None]


def solve(events: Sequence[Events], frames: int) -> None:
    """Find the times of all events within `frames` frames, as many as ever come; they wait for nothing any more then.

    Nothing in a frame may wait for a later frame. The order of the events does not matter but for speed: best is the
    one in which data pass.
    """
    system = System.of(events, frames)
    large = sum(map(len, system.times)) > _SMALL
    solver = (compiled_solver() if large else None) or solve_in_python
    solver(system)
    for e in system.events:
        e.waits.clear()  # they wait for themselves, too: times of gigabytes would live on until garbage is collected


@cache
def compiled_solver() -> Solver | None:
    """times.cpp, compiled for this process; None without a compiler that can."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "times.so"
        source = Path(__file__).with_suffix(".cpp")
        command = [compiler, "-O2", "-std=c++17", "-shared", "-fPIC", "-o", str(library), str(source)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        function = ctypes.CDLL(str(library)).solve
    function.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    function.restype = None

    def solver(system: System) -> None:
        function(system.columns.ctypes.data, len(system.columns))
        system.keep(system.columns[:, 2].tolist())

    return solver


def solve_in_python(system: System) -> None:
    """The same as times.cpp."""
    numbers = {e: n for n, e in enumerate(system.events)}
    known: list[list[int]] = [[] if e.waits else e.times.tolist() for e in system.events]
    waits = [[_wait(known[numbers[w.events.root]], w) for w in e.waits] for e in system.events]
    parked: list[tuple[list[int], int]] = [(times, -1) for times in known]
    progress = True
    while progress:
        progress = False
        for n, (own, wanted) in enumerate(zip(known, system.times, strict=True)):
            source, index = parked[n]
            while index < len(source) and len(own) < len(wanted):
                before = len(own)
                source, index = _step(own, waits[n])
                progress = progress or len(own) > before
            parked[n] = source, index
    for own, times in zip(known, system.times, strict=True):
        times[: len(own)] = own
    system.keep([len(own) for own in known])


_Wait: TypeAlias = tuple[list[int], int, int, list[list[tuple[int, int]]]]
"""Times of the others, behind, advance, and of each row of the table the entries with their delays."""


def _wait(source: list[int], wait: Wait) -> _Wait:
    where = wait.where
    if where is None:
        return source, wait.behind, 1, [[(0, wait.delay)]]
    rows = where.table.reshape(len(where.table), -1)
    delays = np.zeros_like(rows) if where.delays is None else where.delays.reshape(rows.shape)
    pairs = zip(rows.tolist(), (delays + wait.delay).tolist(), strict=True)
    return source, wait.behind, where.advance, [[p for p in zip(*r, strict=True) if p[0] != NEVER] for r in pairs]


def _step(own: list[int], waits: list[_Wait]) -> tuple[list[int], int]:
    """Append the next time if it is known; returns which one to wait for then."""
    time = 0
    for source, behind, advance, rows in waits:
        place = len(own) - behind
        if place < 0:
            continue
        turn, row = divmod(place, len(rows))
        for entry, delay in rows[row]:
            index = turn * advance + entry
            if index >= len(source):
                return source, index
            if index >= 0 and source[index] + delay > time:
                time = source[index] + delay
    own.append(time)
    return own, -1
