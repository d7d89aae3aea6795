"""The walk of a window's rectangle over the image, and over the banks of its buffer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed

from rtlnn.layers.loops import Loops
from rtlnn.layers.window import WindowConfig

__all__ = ["Columns", "Rows"]


@dataclass(frozen=True)
class _Case:
    """Where a place goes on when a loop ends: `by` rows or columns from where the loop number `source` is.

    The cases of a place are nested: where one holds those behind it hold too, and it goes before them.
    """

    when: Value
    source: int
    by: int


class _Walk:
    """A place that three nested loops move: over the tiles, over a tile's positions, over the kernel.

    A place is a list of registers. Each loop keeps where it is, so that the loop within can begin there again; loops of
    one turn share their registers with the one around. From where a place goes on, and by how much, is chosen first, so
    that a path is a gate and an adder.
    """

    def __init__(self, names: Sequence[Signal], turns: tuple[int, int]) -> None:
        self._own = [list(names)]
        for prefix, n in zip(("position_", "step_"), turns, strict=True):
            outer = self._own[-1]
            inner = [Signal.like(s, name=f"{prefix}{s.name.removeprefix('position_')}", init=s.init) for s in outer]
            self._own.append(inner if n > 1 else outer)
        self._place = self._own[-1]

    def _moving(self, cases: Sequence[_Case], steps: Sequence[Value]) -> Iterator[tuple[int, Value, list[_Case]]]:
        """The loops with registers of their own: when each takes a step, and the cases then; the last one is the rest.

        Of `cases`, the innermost last, each loop has two more than the one around it.
        """
        for loop, (own, step) in enumerate(zip(self._own, steps, strict=True)):
            if loop and own is self._own[loop - 1]:
                continue
            known = cases[: 2 * loop + 2]
            # a loop of one turn ends with the one within
            yield loop, step, [c for n, c in enumerate(known) if n == 0 or c.when is not known[n - 1].when]

    def _source(self, cases: Sequence[_Case], register: int, anew: bool = False) -> Value:
        """A register of where the place goes on from; 0 in the first case, if it is to begin `anew`."""
        values: list[Value | int] = [self._own[case.source][register] for case in cases]
        return _chosen(cases, [0, *values[1:]] if anew else values)


def _chosen(cases: Sequence[_Case], values: Sequence[Value | int]) -> Value:
    """The value of the case."""
    result = Value.cast(values[-1])
    for case, value, behind in reversed([*zip(cases, values, values[1:], strict=False)]):
        # what is the same in the case behind it, which holds too, needs no choice
        if not (value is behind or (isinstance(value, int) and isinstance(behind, int) and value == behind)):
            result = Mux(case.when, value, result)
    return result


def _modulo(m: Module, value: Value, modulo: int, name: str) -> Value:
    """Of the sum of two numbers below `modulo`."""
    if modulo & (modulo - 1) == 0:
        return value[: modulo.bit_length() - 1] if modulo > 1 else Const(0, 1)
    return table(m, value, [n % modulo for n in range(2 * modulo - 1)], name)


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
        super().__init__([row, slot, beat], (c.tile.serial[0], c.kernel_steps[0]))
        self.row, self.slot, self.beat = self._place
        cases = [
            _Case(loops.frame_end, 0, c.height - (oh - 1) * hop),
            _Case(loops.row_end, 0, hop),
            _Case(loops.pass_end, 0, 0),
            _Case(loops.tile_column_end, 1, c.window.stride[0]),
            _Case(loops.kernel_row_end, 1, 0),
            _Case(loops.kernel_column_end, 2, c.window.dilation[0]),
        ]
        for loop, step, known in self._moving(cases, (loops.row_end, loops.tile_column_end, loops.kernel_column_end)):
            own, moves = self._own[loop], [k.by for k in known]
            slot = self._source(known, 1) + _chosen(known, [n % c.rows for n in moves])
            following = (
                self._source(known, 0, anew=True) + _chosen(known, [-top, *moves[1:]]),
                _modulo(m, slot, c.rows, "moved_slot"),
                self._source(known, 2) + _chosen(known, [n * c.row_beats for n in moves]),
            )
            with m.If(go & step):
                m.d.sync += [s.eq(v) for s, v in zip(own, following, strict=True)]

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
        super().__init__([word, bank, base], (c.tile.serial[1], c.kernel_steps[1]))
        self.word, self.bank, self.base = self._place
        cases = [
            _Case(loops.row_end, 0, 0),
            _Case(loops.column_end, 0, hop),
            _Case(loops.tile_column_end, 0, 0),
            _Case(loops.kernel_row_end, 1, c.window.stride[1]),
            _Case(loops.kernel_column_end, 1, 0),
            _Case(loops.group_end, 2, c.window.dilation[1]),
        ]
        # whether a loop's own next step goes beyond the last bank, known before
        wraps: list[Signal] = []
        rests = [by % banks for by in (hop, c.window.stride[1], c.window.dilation[1])]
        for loop, rest in enumerate(rests):
            shared = loop > 0 and self._own[loop] is self._own[loop - 1]
            wraps.append(wraps[-1] if shared else Signal(name=f"wraps{loop}", init=origin[1] + rest >= banks))
        for loop, step, known in self._moving(cases, (loops.column_end, loops.kernel_row_end, loops.group_end)):
            # by how many pixels; by how many addresses, and banks beyond that
            moves = [k.by for k in known]
            turns = [divmod(by, banks) for by in moves]
            words = [
                Mux(wraps[k.source], (turn + 1) * groups, turn * groups) if rest else turn * groups
                for k, (turn, rest) in zip(known, turns, strict=True)
            ]
            to_bank = self._source(known, 1, anew=True) + _chosen(known, [origin[1], *(r for _, r in turns[1:])])
            wrapping = [n % banks + rests[loop] >= banks for n in range(2 * banks - 1)]
            following = (
                self._source(known, 0, anew=True) + _chosen(known, [origin[0], *(n * groups for n in moves[1:])]),
                _modulo(m, to_bank, banks, "moved_bank"),
                self._source(known, 2, anew=True) + _chosen(known, [origin[2], *words[1:]]),
                table(m, to_bank, wrapping, "wrapping"),
            )
            with m.If(go & step):
                m.d.sync += [s.eq(v) for s, v in zip([*self._own[loop], wraps[loop]], following, strict=True)]

    def following(self) -> Value:
        """The address of the bank's next word of the same group."""
        return self.base + self._c.groups


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
