"""The sliding window in hardware: a circular buffer of rows, written ahead, read at the pace of the arithmetic."""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from operator import and_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.counter import count
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.ram import Ram
from rtlnn.layers.step_generator import PIPELINE, Step, StepGenerator
from rtlnn.layers.stream import StreamSignature
from rtlnn.layers.window import WindowConfig

__all__ = ["LATENCY", "LineBuffer"]

LATENCY = 2
"""Cycles from the issue of a step to its values on `x`."""


class LineBuffer(wiring.Component):
    """Turns a stream of pixels into the steps of a sliding window.

    The buffer has `rows` row slots, spread over banks[0] x banks[1] memories so that a step reads its rectangle, and a
    beat writes its pixels, at once. A step is issued the cycle after the last beat that it needs, a frame's first step
    not before the frame's first beat, a pass two cycles after the `credit` that it needs. A row slot is written again
    two cycles after the last step of the last row of tiles that needs it. Frames follow each other without a gap.
    Padding never enters the buffer: it is put in place of a pixel on the way out.

    Latency: a step issued in cycle t is on `x` in cycle t + 2; `weight_address` shows its index in cycle t.

    Parameters
    ----------
    config : geometry and folding
    credits : passes that may be under way between the first step and the `credit` that ends them

    Members
    -------
    i : stream of pixels, `config.input`
    credit : in, a pass has left the layer
    x : out, the step's values, by position of the tile; a position's element ((row * parallel columns) + column) *
        lanes + channel
    valid, first, last : out, with `x`: whether it is a step; the first and the last of its position
    row, column : out, with `x`: the tile
    weight_address : out, pass * steps + step
    """

    def __init__(self, config: WindowConfig, credits: int) -> None:
        self.config, self.credits = config, credits
        oh, ow = config.output_size
        # the difference of two counts of beats that can be a frame or a buffer apart
        self._beat_bits = (2 * max(config.rows, config.height + 1) * config.row_beats).bit_length() + 1
        super().__init__(
            {
                "i": In(StreamSignature(config.input)),
                "credit": In(1),
                "x": Out(config.tile.parallel * config.simd * config.bits),
                "valid": Out(1),
                "first": Out(1),
                "last": Out(1),
                "row": Out(range(max(oh, 2))),
                "column": Out(range(max(ow, 2))),
                "weight_address": Out(range(max(config.passes * config.steps, 2))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        go, advance = Signal(), Signal()
        steps = StepGenerator(m, self.config, advance, self._beat_bits)
        full = delayed(m, Const(1), PIPELINE, "full", reset=True)
        m.d.comb += advance.eq(go | ~full)
        self._fill(m, steps.step, go, full)
        self._issue(m, steps, go, advance, full)
        self._read(m, steps.step, go)
        return m

    def _fill(self, m: Module, step: Step, go: Signal, full: Value) -> None:
        """When a beat may enter: while a row slot is free, and the loops have begun."""
        c = self.config
        self.push = Signal()
        _, self._row_end = count(m, c.row_beats, self.push, "word")
        free, ready = Signal(range(c.height + c.rows + 1), init=c.rows), Signal(name="ready")
        # the release takes effect late, when the last read has been made
        ends = go & step.row_end
        kept = free + registered(m, Mux(ends, step.released, 0), "released", reset=True)
        taken = free + registered(m, Mux(ends, step.released - 1, -1), "released_less", reset=True)
        m.d.comb += [self.push.eq(self.i.tvalid & self.i.tready), self.i.tready.eq(ready)]
        # a beat comes late in the cycle: what follows from it is ready before
        fills = self.push & self._row_end
        m.d.sync += [free.eq(Mux(fills, taken, kept)), ready.eq(Mux(fills, taken.any(), kept.any()) & full)]

    def _issue(self, m: Module, steps: StepGenerator, go: Signal, advance: Signal, full: Value) -> None:
        """A step goes when its beat has come, the first one of a pass when there is a credit as well."""
        arrived = Signal(self._beat_bits)
        with m.If(self.push):
            m.d.sync += arrived.eq(arrived + 1)

        def before(step: Step) -> Value:
            return (step.need - arrived)[self._beat_bits - 1] | step.free

        # Whether the step's beat came in an earlier cycle, or would be the one that came in the last cycle, if one did:
        # a beat comes late in its cycle, and so is only remembered.
        earlier, then, pushed = Signal(name="came_earlier"), Signal(name="came_then"), Signal(name="pushed")
        enabled = earlier | (then & pushed)
        m.d.sync += [
            earlier.eq(Mux(advance, before(steps.following), enabled)),
            then.eq(Mux(advance, _equal(steps.following.need, arrived), _equal(steps.step.need, arrived))),
            pushed.eq(self.push),
        ]
        credits = Signal(range(self.credits + 1), init=self.credits)
        credit = Signal(init=1, name="has_credit")
        # the last beat of a pass leaves on the sink's word, late in the cycle
        returned = registered(m, self.credit, "returned", reset=True)
        left, taken = credits + returned, Mux(returned, credits, credits - 1)
        takes = go & steps.step.begin
        m.d.comb += go.eq(full & enabled & (credit | ~steps.step.begin))
        m.d.sync += [credits.eq(Mux(takes, taken, left)), credit.eq(Mux(takes, taken.any(), left.any()))]

    def _read(self, m: Module, step: Step, go: Signal) -> None:
        """The banks, and the two stages from an issued step to `x`."""
        c = self.config
        data = self._banks(m, step)
        row_bank, column_bank = (
            registered(m, step.row_bank, "turn_rows"),
            registered(m, step.column_bank, "turn_columns"),
        )
        height, width = c.rectangle
        turned = _turned(m, [list(line) for line in zip(*data, strict=True)], column_bank, c.all_starts[1])[:width]
        lines = _turned(m, [list(line) for line in zip(*turned, strict=True)], row_bank, c.all_starts[0])[:height]
        inside_rows = [registered(m, v, f"inside_row{n}") for n, v in enumerate(step.inside_rows)]
        inside_columns = [registered(m, v, f"inside_column{n}") for n, v in enumerate(step.inside_columns)]
        padding = Cat(*[Const(c.pad_value & ((1 << c.bits) - 1), c.bits)] * c.lanes)
        rectangle: list[list[Value]] = []
        for y, line in enumerate(lines):
            rectangle.append([])
            for x, value in enumerate(line):
                inside = [*inside_rows[y : y + 1], *inside_columns[x : x + 1]]
                rectangle[y].append(Mux(reduce(and_, inside), value, padding) if inside else value)
        self._deliver(m, rectangle, registered(m, step.piece, "piece"))
        m.d.comb += self.weight_address.eq(step.index)
        for value, port in ((go, self.valid), (step.first, self.first), (step.last, self.last)):
            m.d.sync += port.eq(registered(m, value, f"{port.name}_1", reset=port is self.valid))
        for value, port in ((step.row, self.row), (step.column, self.column)):
            m.d.sync += port.eq(registered(m, value, f"{port.name}_1"))

    def _deliver(self, m: Module, rectangle: list[list[Value]], piece: Value) -> None:
        """Register what a step reads; or, of each position, the piece whose turn it is."""
        c = self.config
        if c.split == 1:
            for y, x in product(*c.taps):
                rectangle[y][x] = registered(m, rectangle[y][x], f"x{y}_{x}")
            m.d.comb += self.x.eq(Cat(*(pixel for position in self._positions(rectangle) for pixel in position)))
            return
        width = c.simd * c.bits
        for n, position in enumerate(self._positions(rectangle)):
            values = Cat(*position)
            x = Signal(width, name=f"x{n}", reset_less=True)
            with m.Switch(piece):
                for k in range(c.split):
                    part = values[k * width : (k + 1) * width]
                    with m.Case(k):
                        # the last piece may be short: its weights are 0
                        m.d.sync += x[: len(part)].eq(part)
            m.d.comb += self.x[n * width : (n + 1) * width].eq(x)

    def _positions(self, rectangle: list[list[Value]]) -> list[list[Value]]:
        """The pixels of every position's part of the rectangle."""
        c = self.config
        (ay, ax), (py, px), (sy, sx) = c.tile.at_once, c.parallel, c.window.stride
        kernel = [(y * c.window.dilation[0], x * c.window.dilation[1]) for y, x in product(range(py), range(px))]
        return [[rectangle[y * sy + ky][x * sx + kx] for ky, kx in kernel] for y, x in product(range(ay), range(ax))]

    def _banks(self, m: Module, step: Step) -> list[list[Value]]:
        """What the banks deliver the cycle after a step was issued, by row and column."""
        c = self.config
        by_rows, by_columns = c.banks
        row, place, address = self._write_place(m)
        width = c.lanes * c.bits
        flip = Const(sum(1 << n * c.bits + c.bits - 1 for n in range(c.lanes)) if c.flip else 0, width)
        result: list[list[Value]] = []
        for y in range(by_rows):
            result.append([])
            for x in range(by_columns):
                m.submodules[f"bank{y}_{x}"] = memory = Ram(width, c.bank_words)
                m.d.comb += [
                    memory.write.eq(self.push & (row == y) & (place == x // c.pixels)),
                    memory.write_address.eq(address),
                    memory.write_data.eq(self.i.tdata.word_select(x % c.pixels, width) ^ flip),
                    memory.read_address.eq(step.addresses[y][x]),
                ]
                result[y].append(memory.read_data)
        return result

    def _write_place(self, m: Module) -> tuple[Signal, Signal, Value]:
        """Where the beat that enters is written: bank row, which of a row's groups of banks, address."""
        c = self.config
        turns = c.banks[1] // c.pixels
        group, pixel_end = count(m, c.groups, self.push, "write_group")
        pixel, row_end = Signal(), Signal()
        m.d.comb += [pixel.eq(self.push & pixel_end), row_end.eq(self.push & self._row_end)]
        row, rows_end = count(m, c.banks[0], row_end, "write_row")
        place = Signal(range(max(turns, 2)), name="write_place")
        base = Signal(range(max(c.bank_words, 2)), name="write_base")
        column = Signal(range(max(c.row_words, 2)), name="write_column")
        with m.If(row_end):
            m.d.sync += [place.eq(0), column.eq(0)]
            with m.If(rows_end):
                m.d.sync += base.eq(Mux(base == c.bank_words - c.row_words, 0, base + c.row_words))
        with m.Elif(pixel):
            m.d.sync += place.eq(Mux(place == turns - 1, 0, place + 1))
            with m.If(place == turns - 1):
                m.d.sync += column.eq(column + c.groups)
        return row, place, base + column + group


def _equal(a: Value, b: Value) -> Value:
    """a == b, in gates of its own: synthesis would share a comparator behind a choice, and the choice comes late."""
    return ~(a ^ b).any()


def _turned(m: Module, lines: Sequence[list[Value]], start: Value, starts: Sequence[int]) -> list[list[Value]]:
    """The lines, each of one bank, in order from the one that `start` says, which is one of `starts`."""
    if len(starts) == 1:
        return [*lines[starts[0] :], *lines[: starts[0]]]
    result = [[Signal(len(v)) for v in line] for line in lines]
    with m.Switch(start):
        for n in starts:
            with m.Case(n):
                order = [*lines[n:], *lines[:n]]
                m.d.comb += [
                    r.eq(v) for new, old in zip(result, order, strict=True) for r, v in zip(new, old, strict=True)
                ]
    return [list(line) for line in result]
