"""The sliding window in hardware: a circular buffer of rows, written ahead, read at the pace of the arithmetic."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.counter import count
from rtlnn.layers.rom import LUTRAM_WORDS
from rtlnn.layers.stream import StreamSignature
from rtlnn.layers.window import WindowConfig
from rtlnn.layers.window_counters import Columns, Rows, Steps, bit_length

__all__ = ["LATENCY", "LineBuffer"]

LATENCY = 3
"""Cycles from the issue of a step to its values on `x`."""


class LineBuffer(wiring.Component):
    """Turns a stream of pixels into the steps of a sliding window.

    The buffer has `rows` row slots, spread over parallel[0] x parallel[1] memories so that a step reads them all. A
    step is issued as soon as the last pixel that it needs is in the buffer, a frame's first step not before the frame's
    first beat; a row slot is written again two cycles after the last step of the last output row that needs it. Frames
    follow each other without a gap. Padding never enters the buffer: it is put in place of a lane on the way out.

    Latency: a step issued in cycle t is on `x` in cycle t + 3; `weight_address` shows its index in cycle t + 1.

    Parameters
    ----------
    config : geometry and folding
    credits : passes that may be under way between the first step and the `credit` that ends them

    Members
    -------
    i : stream of pixels, `config.input`
    credit : in, a pass has left the layer
    x : out, the step's values; element ((row * parallel columns) + column) * lanes + channel
    valid, first, last : out, with `x`: whether it is a step; the first and the last of its pass
    position : out, with `x`: row and column of the output position
    weight_address : out, pass * steps + step
    """

    def __init__(self, config: WindowConfig, credits: int) -> None:
        self.config, self.credits = config, credits
        oh, ow = config.output_size
        super().__init__(
            {
                "i": In(StreamSignature(config.input)),
                "credit": In(1),
                "x": Out(config.simd * config.bits),
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
        go = Signal()
        steps = Steps(m, self.config, go)
        rows = Rows(m, self.config, steps, go)
        columns = Columns(m, self.config, steps, go)
        self._flow(m, steps, rows, columns, go)
        self._memories(m, steps, rows, columns, go)
        return m

    def _flow(self, m: Module, steps: Steps, rows: Rows, columns: Columns, go: Signal) -> None:
        """When a beat may enter, and when a step may be issued."""
        c = self.config
        push = self.push = Signal()
        self.word, row_end = count(m, c.width * c.groups, push, "word")
        row_written = Signal()
        m.d.comb += [push.eq(self.i.tvalid & self.i.tready), row_written.eq(push & row_end)]
        # rows written, counted from the reader's frame; negative while rows that no window reads are still to come
        written = Signal(signed(bit_length(c.height + c.rows) + 1))
        m.d.sync += written.eq(written + row_written - Mux(go & steps.frame_end, c.height, 0))
        # rows that cannot be overwritten; the release takes effect one cycle late, when the last read has been made
        used = Signal(signed(bit_length(c.height + c.rows) + 1))
        released = Signal(range(c.height + 1))
        m.d.sync += [
            released.eq(Mux(go & steps.row_end, rows.release, 0)),
            used.eq(used + row_written - released),
        ]
        m.d.comb += self.i.tready.eq(used < c.rows)
        here = (written > rows.last) | ((written == rows.last) & (self.word > columns.last))
        available = rows.outside | columns.outside | here
        if c.begins_outside:
            # padding is at hand before the frame is; but a frame's results must not come before the frame
            begun = (written > 0) | ((written == 0) & (self.word != 0))
            available = Mux(steps.frame_begin, begun, available)
        credits = Signal(range(self.credits + 1), init=self.credits)
        m.d.sync += credits.eq(credits + self.credit - (go & steps.first))
        m.d.comb += go.eq(available & (~steps.first | (credits != 0)))

    def _memories(self, m: Module, steps: Steps, rows: Rows, columns: Columns, go: Signal) -> None:
        """The banks, and the three stages from an issued step to `x`."""
        c = self.config
        py, px = c.parallel
        write_row, write_column, write_address = self._write_place(m)
        style = "distributed" if c.bank_words <= LUTRAM_WORDS else "block"
        data = []
        for by in range(py):
            for bx in range(px):
                memory = Memory(shape=c.lanes * c.bits, depth=c.bank_words, init=[], attrs={"ram_style": style})
                m.submodules[f"bank{by}_{bx}"] = memory
                write, read = memory.write_port(), memory.read_port()
                m.d.comb += [
                    write.en.eq(self.push & (write_row == by) & (write_column == bx)),
                    write.addr.eq(write_address),
                    write.data.eq(self.i.tdata),
                ]
                address = Signal.like(read.addr, name=f"address{by}_{bx}")
                m.d.sync += address.eq(rows.base(by) + columns.base(bx) + steps.group)
                m.d.comb += read.addr.eq(address)
                data.append(read.data)

        def staged(value: Value, name: str) -> Signal:
            one = Signal(len(value), name=f"{name}_1")
            two = Signal(len(value), name=f"{name}_2")
            m.d.sync += [one.eq(value), two.eq(one)]
            return two

        inside_row = [staged(v, f"inside_row{n}") for n, v in enumerate(rows.inside)]
        inside_column = [staged(v, f"inside_column{n}") for n, v in enumerate(columns.inside)]
        turned = _rotate(m, data, py, px, staged(rows.bank, "row_bank"), staged(columns.bank, "column_bank"))
        pad = Const(c.pad_value & ((1 << c.bits) - 1), c.bits)
        padding = Cat(*[pad] * c.lanes)
        for n, value in enumerate(turned):
            inside = inside_row[n // px] & inside_column[n % px]
            lane = self.x.word_select(n, c.lanes * c.bits)
            m.d.sync += lane.eq(Mux(inside, value, padding) if max(c.window.pads) else value)
        weight_address = Signal.like(self.weight_address)
        m.d.sync += weight_address.eq(steps.index)
        m.d.comb += self.weight_address.eq(weight_address)
        for value, port in ((go, self.valid), (steps.first, self.first), (steps.last, self.last)):
            m.d.sync += port.eq(staged(value, port.name))
        m.d.sync += [self.row.eq(staged(steps.row, "row")), self.column.eq(staged(steps.column, "column"))]

    def _write_place(self, m: Module) -> tuple[Signal, Signal, Value]:
        """Bank (row, column) and address of the beat that enters."""
        c = self.config
        py, px = c.parallel
        group, pixel_end = count(m, c.groups, self.push, "write_group")
        row_end = Signal()
        m.d.comb += row_end.eq(self.push & (self.word == c.width * c.groups - 1))
        bank_row, bank_row_end = count(m, py, row_end, "write_bank_row")
        pixel = Signal()
        m.d.comb += pixel.eq(self.push & pixel_end)
        bank_column = Signal(range(max(px, 2)))
        base = Signal(range(max(c.bank_words, 2)))
        column = Signal(range(max(c.row_words, 2)))
        with m.If(pixel):
            m.d.sync += bank_column.eq(Mux(bank_column == px - 1, 0, bank_column + 1))
            with m.If(bank_column == px - 1):
                m.d.sync += column.eq(column + c.groups)
        with m.If(row_end):
            m.d.sync += [bank_column.eq(0), column.eq(0)]
            with m.If(bank_row_end):
                m.d.sync += base.eq(Mux(base == c.bank_words - c.row_words, 0, base + c.row_words))
        return bank_row, bank_column, base + column + group


def _rotate(m: Module, data: list[Value], rows: int, columns: int, row: Signal, column: Signal) -> list[Value]:
    """Bring the window's first row and column, which lie in bank (row, column), to the front."""
    result = data
    for count_, stride, amount in ((rows, columns, row), (columns, 1, column)):
        if count_ == 1:
            continue
        turned = [Signal(len(v), name=f"turned{n}") for n, v in enumerate(result)]
        with m.Switch(amount):
            for shift in range(count_):
                with m.Case(shift):
                    for n in range(len(result)):
                        place = n // stride % count_
                        origin = n + ((place + shift) % count_ - place) * stride
                        m.d.comb += turned[n].eq(result[origin])
        result = turned
    return result
