"""The beats of a rearrangement, each prepared some cycles before it can be issued."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from numpy.typing import NDArray

from rtlnn.layers.counter import count
from rtlnn.layers.rearranging import Rearranging
from rtlnn.layers.step_generator import PIPELINE

__all__ = ["PIPELINE", "RearrangeSteps", "Step", "Transitions", "transitions_of"]


@dataclass(frozen=True)
class Transitions:
    """How a value changes from each beat to the next: by the turn of the innermost loop that goes on.

    Parameters
    ----------
    first : the value of a frame's first beat
    rows, columns, beats : what the end of each turn adds; the last row's leads to the next frame
    """

    first: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    beats: tuple[int, ...]


def transitions_of(shape: Rearranging) -> tuple[Transitions, Transitions]:
    """The changes of the word that a beat reads, and of the lowest word that is kept."""
    size = shape.source.beats
    r, x, k = (axis.words for axis in shape.axes)
    rows, columns, beats = shape.levels

    def changes(values: NDArray[np.int64], then: int) -> NDArray[np.int64]:
        return np.diff(np.append(values, then))

    to_column = changes(x, int(x[0])) - (k[-1] - k[0])
    to_row = changes(r, size + int(r[0])) - (x[-1] - x[0]) - (k[-1] - k[0])
    words = Transitions(int(shape.words[0]), *(_ints(v) for v in (to_row, to_column, changes(k, 0))))
    within = np.asarray(columns.releases)
    begins, ends = columns.low + within * beats.low[0], columns.low + within * beats.low[-1]
    column_changes = np.append(begins[1:], 0) - ends
    inside = np.asarray(rows.releases)
    starts, stops = rows.low + inside * begins[0], rows.low + inside * ends[-1]
    row_changes = np.append(starts[1:], size + starts[0]) - stops
    kept = Transitions(int(starts[0]), *(_ints(v) for v in (row_changes, column_changes, changes(beats.low, 0))))
    return words, kept


def _ints(values: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(v) for v in values)


@dataclass(frozen=True)
class Step:
    """What a beat needs and does, in registers.

    Parameters
    ----------
    need : the word without which it cannot be issued, counted from reset, modulo the width
    free : it reads nothing
    limit : the first word that cannot be taken yet, counted likewise
    address : of the word in the memory
    filled : all of it is `fill`
    choice : number of its offset and pattern
    """

    need: Value
    free: Value
    limit: Value
    address: Value
    filled: Value
    choice: Value


class RearrangeSteps:
    """Runs ahead of the input: loops, then what follows from them, in `PIPELINE` registers that move with `advance`.

    `following` is the step that takes the place of `step` when `advance` is high.
    """

    def __init__(self, m: Module, shape: Rearranging, advance: Signal) -> None:
        self._m, self._shape, self._advance = m, shape, advance
        counts = [len(axis.words) for axis in shape.axes]
        beat, beats_end = count(m, counts[2], advance, "beat")
        column_step, row_step = Signal(name="column_step"), Signal(name="row_step")
        column, columns_end = count(m, counts[1], column_step, "column")
        row, _ = count(m, counts[0], row_step, "row")
        m.d.comb += [column_step.eq(advance & beats_end), row_step.eq(column_step & columns_end)]
        self._turns = row, column, beat
        self._begun = self._held(Const(1, 1), "begun", reset=True)
        self._ends = [self._held(v, name) for v, name in ((columns_end, "columns_end"), (beats_end, "beats_end"))]
        self._releases = [
            self._looked_up(turn, [int(v) for v in level.releases], f"{name}_releases")
            for turn, level, name in zip(self._turns, shape.levels[:2], ("row", "column"), strict=False)
        ]
        words, kept = transitions_of(shape)
        bits = shape.count_bits
        need = self._walk(words, bits, "need")
        limit = self._walk(kept, bits, "limit", kept.first + shape.depth, self._releases)
        filled, choice = self._held(self._filled(), "filled_2"), self._held(self._choice(), "choice_2")
        first = self._first()
        address = need[: shape.depth.bit_length() - 1]
        if shape.depth & (shape.depth - 1):
            address = self._ring(words)
        self.following = Step(need, filled & ~first, limit, address, filled, choice)
        self.step = Step(*(self._held(v, f"step_{n}") for n, v in vars(self.following).items()))

    def _held(self, value: Value, name: str, reset: bool = False) -> Signal:
        """`value`, in a register that moves with `advance`."""
        result = Signal(value.shape(), name=name, reset_less=not reset)
        with self._m.If(self._advance):
            self._m.d.sync += result.eq(value)
        return result

    def _looked_up(self, turn: Value, values: Sequence[int], name: str, bits: int | None = None) -> Value:
        """values[turn], modulo 2**bits, in a register; most turns have the value that is there without a look."""
        bits = bits or max(max(values).bit_length(), 1)
        mask = (1 << bits) - 1
        entries = [v & mask for v in values]
        common = max(sorted(set(entries)), key=entries.count)
        if len(set(entries)) == 1:
            return Const(common, bits)
        result = Signal(bits, name=f"{name}_entry")
        self._m.d.comb += result.eq(common)
        with self._m.Switch(turn):
            for n, value in enumerate(entries):
                if value != common:
                    with self._m.Case(n):
                        self._m.d.comb += result.eq(value)
        return self._held(result, name)

    def _change(self, t: Transitions, bits: int, name: str, releases: Sequence[Value] = ()) -> Value:
        """What to add to get from the beat in the second stage to the next one; nothing before the first beat."""
        row, column, beat = (
            self._looked_up(turn, values, f"{name}_{axis}", bits)
            for turn, values, axis in zip(
                self._turns, (t.rows, t.columns, t.beats), ("row", "column", "beat"), strict=True
            )
        )
        columns_end, beats_end = self._ends
        if releases:
            column, beat = Mux(releases[0], column, 0), Mux(releases[0] & releases[1], beat, 0)
        chosen = Mux(beats_end, Mux(columns_end, row, column), beat)
        return self._held(Mux(self._begun, chosen, 0), f"{name}_change", reset=True)

    def _walk(
        self, t: Transitions, bits: int, name: str, first: int | None = None, releases: Sequence[Value] = ()
    ) -> Signal:
        """A register that adds up the changes."""
        change = self._change(t, bits, name, releases)
        place = Signal(bits, name=name, init=(t.first if first is None else first) & ((1 << bits) - 1))
        with self._m.If(self._advance):
            self._m.d.sync += place.eq(place + change)
        return place

    def _ring(self, t: Transitions) -> Signal:
        """As `_walk`, modulo a depth that is no power of two: one of two sums is the right one."""
        depth = self._shape.depth
        bits = depth.bit_length() + 1

        def wrapped(less: int) -> Transitions:
            rows, columns, beats = (tuple(v % depth - less for v in values) for values in (t.rows, t.columns, t.beats))
            return Transitions(t.first % depth, rows, columns, beats)

        forward, back = self._change(wrapped(0), bits, "forward"), self._change(wrapped(depth), bits, "back")
        place = Signal(bits - 1, name="address", init=t.first % depth)
        short = Signal(bits, name="wrapped_address")
        self._m.d.comb += short.eq(place + back)
        with self._m.If(self._advance):
            self._m.d.sync += place.eq(Mux(short[-1], place + forward, short))
        return place

    def _filled(self) -> Value:
        """Whether the beat in the first stage reads nothing."""
        parts = [
            self._looked_up(turn, [int(v) for v in axis.filled], f"{name}_filled")
            for turn, axis, name in zip(self._turns, self._shape.axes, ("row", "column", "beat"), strict=True)
        ]
        return parts[0] | parts[1] | parts[2]

    def _choice(self) -> Value:
        """offset * patterns + pattern of the beat in the first stage, both as numbers in order."""
        shape = self._shape
        patterns = sorted(set(shape.patterns))
        offsets = sorted({o for o, _ in shape.choices})
        by_row, by_column = shape.offsets
        row = self._looked_up(self._turns[0], _ints(by_row), "row_offset")
        column = self._looked_up(self._turns[1], _ints(by_column), "column_offset")
        pattern = self._looked_up(self._turns[2], [patterns.index(p) for p in shape.patterns], "pattern")
        result = Signal(range(max(len(shape.choices), 2)), name="choice")
        with self._m.Switch(row + column):
            for n, offset in enumerate(offsets):
                with self._m.Case(offset):
                    self._m.d.comb += result.eq(n * len(patterns) + pattern)
        return result

    def _first(self) -> Signal:
        """Whether the beat in the second stage is a frame's first."""
        row, column, beat = self._turns
        first = self._held((row == 0) & (column == 0) & (beat == 0), "first_1")
        return self._held(first, "first_2")
