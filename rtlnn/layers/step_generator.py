"""Every step of a sliding window, prepared some cycles before it can be issued."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from rtlnn.layers.loops import Loops
from rtlnn.layers.walk import Columns, Rows
from rtlnn.layers.window import WindowConfig

__all__ = ["PIPELINE", "Step", "StepGenerator"]

PIPELINE = 3
"""Cycles from the loops to a step that can be issued."""
_INSIDE = ("inside_row", "inside_column")


@dataclass(frozen=True)
class Step:
    """What a step needs and does, in registers.

    Parameters
    ----------
    need : the beat of the input without which it cannot be issued, counted from reset, modulo the width
    free : it reads padding alone, and needs no beat
    addresses : of the banks, by row and column
    row_bank, column_bank : where the rectangle's first row and column are
    inside_rows, inside_columns : whether each row and column of the rectangle is on the image
    first, last : of a position; begin: first of a pass
    row_end : last of a row of tiles, after which `released` rows are free
    row, column : the tile
    index : pass * steps + step
    piece : of the values that are read
    """

    need: Value
    free: Value
    addresses: list[list[Value]]
    row_bank: Value
    column_bank: Value
    inside_rows: list[Value]
    inside_columns: list[Value]
    first: Value
    last: Value
    begin: Value
    row_end: Value
    released: Value
    row: Value
    column: Value
    index: Value
    piece: Value


class StepGenerator:
    """Runs ahead of the input: loops, then what follows from them, in `PIPELINE` registers that move with `advance`.

    All arithmetic on places is done here, where time does not matter, and so the logic behind an arriving beat is
    short. `following` is the step that takes the place of `step` when `advance` is high.
    """

    def __init__(self, m: Module, c: WindowConfig, advance: Signal, beat_bits: int) -> None:
        self._m, self._c, self._advance, self._bits = m, c, advance, beat_bits
        loops = Loops(m, c, advance)
        frame_beat = Signal(beat_bits, name="frame_beat")
        with m.If(advance & loops.frame_end):
            m.d.sync += frame_beat.eq(frame_beat + c.height * c.row_beats)
        one = self._parts(loops, frame_beat)
        need = (one["row_need"] + one["column_need"])[:beat_bits]
        if c.begins_outside:
            need = Mux(one["frame_begin"] & one["outside"], one["frame_beat"], need)
        kept = {n: v for n, v in one.items() if n not in ("row_need", "column_need", "frame_beat", "outside")}
        free = one["outside"] & ~one["frame_begin"]
        two = self._registered({**kept, "need": need, "free": free}, "ready")
        addresses = [[self._address(two, by, bx) for bx in range(c.banks[1])] for by in range(c.banks[0])]
        self.following = self._step(two, addresses)
        names = {n for n in Step.__dataclass_fields__ if n != "addresses"}
        three = self._registered(
            {n: v for n, v in two.items() if n.rstrip("0123456789") in _INSIDE or n in names}, "step"
        )
        fixed = [
            [self._registered({"": a}, f"address{y}_{x}")[""] for x, a in enumerate(line)]
            for y, line in enumerate(addresses)
        ]
        self.step = self._step(three, fixed)

    def _registered(self, values: dict[str, Value], prefix: str) -> dict[str, Value]:
        result: dict[str, Value] = {}
        with self._m.If(self._advance):
            for name, value in values.items():
                register = Signal(value.shape(), name=f"{prefix}_{name}".rstrip("_"), reset_less=True)
                self._m.d.sync += register.eq(value)
                result[name] = register
        return result

    def _parts(self, loops: Loops, frame_beat: Signal) -> dict[str, Value]:
        """The first stage: what follows from rows alone, and from columns alone."""
        m, c = self._m, self._c
        rows = Rows(m, c, loops, self._advance, self._bits)
        columns = Columns(m, c, loops, self._advance)
        height, width = c.rectangle
        words, groups = c.width * c.groups, c.groups
        row_need: Value = rows.beat + (height - 1) * c.row_beats
        column_need: Value = columns.word + (width - 1) * groups + loops.group
        # padding below and to the right needs no more than the last row and column
        if c.window.pads[2] > 0:
            row_need = Mux(rows.row > c.height - height, frame_beat + (c.height - 1) * c.row_beats, row_need)
        if c.window.pads[3] > 0:
            column_need = Mux(columns.word > words - width * groups, words - groups + loops.group, column_need)
        values: dict[str, Value] = {
            "row_need": row_need[: self._bits],
            "column_need": (column_need >> (c.pixels.bit_length() - 1))[: self._bits],
            "outside": Const(0, 1),
            "frame_begin": loops.frame_begin,
            "frame_beat": frame_beat,
            "column_base": (columns.base + loops.group).as_signed(),
            "column_following": (columns.following() + loops.group).as_signed(),
            "row_bank": rows.bank(),
            "column_bank": columns.bank,
            "first": loops.first,
            "last": loops.position_end,
            "begin": loops.begin,
            "row_end": loops.row_end,
            "released": rows.released(loops),
            "row": loops.row,
            "column": loops.column,
            "index": loops.index,
            "piece": loops.piece,
        }
        values |= {f"row_base{n}": base for n, base in enumerate(rows.bases())}
        values |= {f"column_behind{n}": columns.bank > n for n in range(c.banks[1])}
        if max(c.window.pads[0], c.window.pads[2]) > 0:
            for n in range(height):
                values[f"inside_row{n}"] = (rows.row >= -n) & (rows.row < c.height - n)
        if max(c.window.pads[1], c.window.pads[3]) > 0:
            for n in range(width):
                values[f"inside_column{n}"] = (columns.word >= -n * groups) & (columns.word < words - n * groups)
        parts = self._registered(values, "part")
        inside = [[v for n, v in parts.items() if n.startswith(f"inside_{axis}")] for axis in ("row", "column")]
        for flags in filter(None, inside):
            parts["outside"] = parts["outside"] | ~Cat(*flags).any()
        return parts

    def _address(self, place: dict[str, Value], row: int, column: int) -> Value:
        """Address in a bank: banks before the rectangle's first one hold a later word."""
        c = self._c
        along = place["column_base"]
        if c.banks[1] > 1:
            along = Mux(place[f"column_behind{column}"], place["column_following"], along)
        return (place[f"row_base{row}"] + along)[: max(c.bank_words - 1, 1).bit_length()]

    def _step(self, values: dict[str, Value], addresses: list[list[Value]]) -> Step:
        inside = [
            [values[f"inside_{what}{n}"] for n in range(size) if f"inside_{what}{n}" in values]
            for what, size in zip(("row", "column"), self._c.rectangle, strict=True)
        ]
        names = [n for n in Step.__dataclass_fields__ if n not in ("addresses", "inside_rows", "inside_columns")]
        plain = {n: values[n] for n in names}
        return Step(addresses=addresses, inside_rows=inside[0], inside_columns=inside[1], **plain)
