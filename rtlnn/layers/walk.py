"""The walk of a window's rectangle over the image, and over the banks of its buffer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike, signed

from rtlnn.layers.loops import Loops
from rtlnn.layers.window import WindowConfig

__all__ = ["Columns", "Rows"]

Move: TypeAlias = list[tuple[Signal, ValueLike]]
"""New values of a place's registers."""


class _Walk:
    """A place that three nested loops move: over the tiles, over a tile's positions, over the kernel.

    A place is a list of registers. Each loop keeps where it is, so that the loop within can begin there again; loops of
    one turn share their registers with the one around.
    """

    def __init__(self, m: Module, names: Sequence[Signal], tile_turns: int, kernel_turns: int) -> None:
        self._m = m
        self.tiles = list(names)
        self.positions = self._inner(self.tiles, "position_", tile_turns)
        self.place = self._inner(self.positions, "step_", kernel_turns)

    @staticmethod
    def _inner(outer: list[Signal], prefix: str, turns: int) -> list[Signal]:
        if turns == 1:
            return outer
        return [Signal.like(s, name=f"{prefix}{s.name}", init=s.init) for s in outer]

    def follow(self, loops: Sequence["_Turn"]) -> None:
        """Move the registers of each loop at its own end, to where the outermost loop that ends with it goes on."""
        own = (self.tiles, self.positions, self.place)
        for depth, turn in enumerate(loops):
            if any(own[depth] is outer for outer in own[:depth]):
                continue
            with self._m.If(turn.step):
                self._m.d.sync += [s.eq(v) for s, v in zip(own[depth], turn.onward, strict=True)]
                # an outer loop ends only together with those within
                for outer in reversed(loops[: depth + 1]):
                    for end, values in outer.ends:
                        with self._m.If(end):
                            self._m.d.sync += [s.eq(v) for s, v in zip(own[depth], values, strict=True)]


@dataclass(frozen=True)
class _Turn:
    """One of the loops: when it takes a step, where to, and where to when loops around it end, innermost first."""

    step: Value
    onward: Sequence[ValueLike]
    ends: Sequence[tuple[Value, Sequence[ValueLike]]]


class Rows(_Walk):
    """Rows: on the image, in the buffer, and in beats of the input.

    Members
    -------
    row : first row of the rectangle; negative above the image
    slot : the row slot that holds it
    beat : the first beat of that row, counted from reset, modulo the width
    """

    def __init__(self, m: Module, c: WindowConfig, loops: Loops, go: Signal, beat_bits: int) -> None:
        self._c, self._m = c, m
        top, oh, hop = c.window.pads[0], c.output_size[0], c.hop[0]
        shape = signed(max(top, (oh - 1) * hop + c.tile.span(c.window, 0) - top).bit_length() + 1)
        row = Signal(shape, name="row_place", init=-top)
        slot = Signal(range(max(c.rows, 2)), name="row_slot", init=-top % c.rows)
        beat = Signal(beat_bits, name="row_beat", init=-top * c.row_beats & (1 << beat_bits) - 1)
        super().__init__(m, [row, slot, beat], c.tile.serial[0], c.kernel_steps[0])
        self.row, self.slot, self.beat = self.place
        next_frame = self._moved(self.tiles, c.height - (oh - 1) * hop)
        next_tile, next_step = self._moved(self.tiles, hop), self._moved(self.place, c.window.dilation[0])
        next_position = self._moved(self.positions, c.window.stride[0])
        frame_end = [-top, *next_frame[1:]]
        self.follow(
            [
                _Turn(go & loops.row_end, next_tile, [(loops.row_end & loops.last_row, frame_end)]),
                _Turn(
                    go & loops.tile_column_end,
                    next_position,
                    [(loops.pass_end, self.tiles), (loops.row_end, next_tile)],
                ),
                _Turn(
                    go & loops.kernel_column_end,
                    next_step,
                    [(loops.kernel_row_end, self.positions), (loops.tile_column_end, next_position)],
                ),
            ]
        )

    def _moved(self, place: Sequence[Signal], rows: int) -> list[Value]:
        """A place `rows` rows further, modulo the buffer."""
        c = self._c
        row, slot, beat = place
        following = [(n + rows) % c.rows for n in range(c.rows)]
        return [row + rows, table(self._m, slot, following, "moved_slot"), beat + rows * c.row_beats]

    def bank(self) -> Signal:
        """The bank that holds the rectangle's first row."""
        c = self._c
        return table(self._m, self.slot, [n % c.banks[0] for n in range(c.rows)], "row_bank")

    def bases(self) -> list[Signal]:
        """Where each bank holds its row of the rectangle: banks before the first one hold a later slot."""
        c = self._c
        banks = c.banks[0]
        slots = [[n + (y - n) % banks for n in range(c.rows)] for y in range(banks)]
        words = [[n % c.rows // banks * c.row_words for n in line] for line in slots]
        return [table(self._m, self.slot, line, f"row_base{y}") for y, line in enumerate(words)]

    def released(self, loops: Loops) -> Value:
        """Rows that no tile needs any more when this row of tiles has been read."""
        c = self._c
        lows = [min(max(n * c.hop[0] - c.window.pads[0], 0), c.height) for n in range(c.output_size[0])]
        freed = [b - a for a, b in pairwise([*lows, c.height])]
        return table(self._m, loops.row, freed, "freed")


class Columns(_Walk):
    """Columns: on the image, in words (`groups` a pixel), and in the buffer.

    Members
    -------
    word : first column of the rectangle; negative left of the image
    bank, base : the bank that holds it, and the address there, from the row's begin
    """

    def __init__(self, m: Module, c: WindowConfig, loops: Loops, go: Signal) -> None:
        self._c, self._m = c, m
        left, ow, hop = c.window.pads[1], c.output_size[1], c.hop[1]
        end = (ow - 1) * hop + c.tile.span(c.window, 1) - left
        banks, groups = c.banks[1], c.groups
        shape = signed((max(left, end) * groups).bit_length() + 1)
        first = -(max(left, end) // banks + 1) * groups
        origin = [-left * groups, -left % banks, -left // banks * groups]
        word = Signal(shape, name="column_word", init=origin[0])
        bank = Signal(range(max(banks, 2)), name="column_bank", init=origin[1])
        base = Signal(range(first, -first), name="column_base", init=origin[2])
        super().__init__(m, [word, bank, base], c.tile.serial[1], c.kernel_steps[1])
        self.word, self.bank, self.base = self.place
        next_tile, next_step = self._moved(self.tiles, hop), self._moved(self.place, c.window.dilation[1])
        next_position = self._moved(self.positions, c.window.stride[1])
        self.follow(
            [
                _Turn(go & loops.column_end, next_tile, [(loops.row_end, origin)]),
                _Turn(
                    go & loops.kernel_row_end,
                    next_position,
                    [(loops.tile_column_end, self.tiles), (loops.column_end, next_tile)],
                ),
                _Turn(
                    go & loops.group_end,
                    next_step,
                    [(loops.kernel_column_end, self.positions), (loops.kernel_row_end, next_position)],
                ),
            ]
        )

    def following(self) -> Value:
        """The address of the bank's next word of the same group."""
        return self.base + self._c.groups

    def _moved(self, place: Sequence[Signal], columns: int) -> list[Value]:
        """A place `columns` columns further."""
        c = self._c
        word, bank, base = place
        quotient, rest = divmod(columns, c.banks[1])
        carry = bank + rest >= c.banks[1]
        return [
            word + columns * c.groups,
            bank + rest - Mux(carry, c.banks[1], 0) if c.banks[1] > 1 else bank,
            base + quotient * c.groups + Mux(carry, c.groups, 0),
        ]


def table(m: Module, index: Value, values: Sequence[int], name: str) -> Signal:
    """values[index]; beyond them anything. A small index makes each bit a LUT."""
    common = max(sorted(set(values)), key=values.count)
    result = Signal(range(max(max(values) + 1, 2)), name=name)
    m.d.comb += result.eq(common)
    with m.Switch(index):
        for n, value in enumerate(values):
            if value != common:
                with m.Case(n):
                    m.d.comb += result.eq(value)
    return result
