"""The counters that walk a sliding window over the image and over its buffer."""

from amaranth.hdl import Module, Mux, Signal, Value, signed

from rtlnn.layers.counter import count
from rtlnn.layers.window import Reduction, WindowConfig

__all__ = ["Columns", "Rows", "Steps", "bit_length"]


class Steps:
    """The nested counters of the reader, innermost first; all advance with `go`."""

    def __init__(self, m: Module, c: WindowConfig, go: Signal) -> None:
        self.first, self.last = Signal(name="first_step"), Signal(name="last_step")
        position_end, self.row_end, self.frame_end = Signal(), Signal(name="row_end"), Signal(name="frame_end")
        ky, kx = c.kernel_steps
        oh, ow = c.output_size
        inner = c.reduction is Reduction.ALL_CHANNELS
        step = go
        self.column_step = Signal(name="column_step")
        if inner:
            self.group, group_end = count(m, c.groups, go, "group")
            step = Signal(name="group_step")
            m.d.comb += step.eq(go & group_end)
        m.d.comb += self.column_step.eq(step)
        column, self.columns_end = count(m, kx, step, "kernel_column")
        self.row_step = Signal(name="row_step")
        m.d.comb += self.row_step.eq(step & self.columns_end)
        row, rows_end = count(m, ky, self.row_step, "kernel_row")
        self.pass_step = Signal(name="pass_step")
        m.d.comb += [
            self.pass_step.eq(self.row_step & rows_end),
            self.last.eq(self.columns_end & rows_end & (group_end if inner else 1)),
            self.first.eq((column == 0) & (row == 0) & (self.group == 0 if inner else 1)),
        ]
        passes, passes_end = count(m, c.passes, self.pass_step, "pass")
        if not inner:
            self.group = passes
        self.position_step = Signal(name="position_step")
        m.d.comb += self.position_step.eq(self.pass_step & passes_end)
        self.column, row_end = count(m, ow, self.position_step, "output_column")
        output_row_step = Signal()
        m.d.comb += [
            position_end.eq(self.last & passes_end),
            self.row_end.eq(position_end & row_end),
            output_row_step.eq(go & self.row_end),
        ]
        self.row, self.last_row = count(m, oh, output_row_step, "output_row")
        m.d.comb += self.frame_end.eq(self.row_end & self.last_row)
        self.index, _ = count(m, c.passes * c.steps, go, "index")
        self.frame_begin = Signal(name="frame_begin", init=1)
        with m.If(go):
            m.d.sync += self.frame_begin.eq(self.frame_end)


class Rows:
    """Where the current step's rows are: on the image, and in the buffer."""

    def __init__(self, m: Module, c: WindowConfig, steps: Steps, go: Signal) -> None:
        kernel, stride, top = c.window.kernel[0], c.window.stride[0], c.window.pads[0]
        banks = c.parallel[0]
        oh = c.output_size[0]
        shape = signed(bit_length(max(top, (oh - 1) * stride + kernel - top)) + 1)
        start, self.row = Signal(shape, name="start_row", init=-top), Signal(shape, name="row", init=-top)
        # the slot of the first row: bank, and base address in the bank; both for the window and for the current step
        slot = -top % c.rows
        first_bank = Signal(range(max(banks, 2)), name="first_bank", init=slot % banks)
        first_base = Signal(range(max(c.bank_words, 2)), name="first_base", init=slot // banks * c.row_words)
        self._base = Signal.like(first_base, name="step_base", init=first_base.init)
        self.bank, self._config = first_bank, c
        next_start = Signal(shape)
        m.d.comb += next_start.eq(Mux(steps.last_row, -top, start + stride))
        with m.If(go & steps.row_end):
            m.d.sync += [start.eq(next_start), self.row.eq(next_start)]
            with m.If(steps.last_row):
                self._advance(m, first_bank, first_base, c.height - (oh - 1) * stride)
            with m.Else():
                self._advance(m, first_bank, first_base, stride)
        with m.Elif(steps.pass_step):
            m.d.sync += [self.row.eq(start), self._base.eq(first_base)]
        with m.Elif(steps.row_step):
            m.d.sync += [self.row.eq(self.row + 1), self._base.eq(self._wrapped(self._base + c.row_words))]
        low, low_next = Signal(range(c.height + 1)), Signal(range(c.height + 1))
        self.release = low_next - low
        m.d.comb += [
            low.eq(_clamped(start, c.height)),
            low_next.eq(Mux(steps.last_row, c.height, _clamped(start + stride, c.height))),
        ]
        self.inside = [(self.row + n >= 0) & (self.row + n < c.height) for n in range(banks)]
        self.last = Mux(self.row + banks - 1 < c.height, self.row + banks - 1, c.height - 1)
        self.outside = (self.row + banks - 1 < 0) | (self.row >= c.height)

    def _wrapped(self, address: Value) -> Value:
        return Mux(address >= self._config.bank_words, address - self._config.bank_words, address)

    def _advance(self, m: Module, bank: Signal, base: Signal, slots: int) -> None:
        """Move the first row by `slots` slots around the buffer."""
        c = self._config
        quotient, rest = divmod(slots % c.rows, c.parallel[0])
        carry = bank + rest >= c.parallel[0]
        moved = Signal(range(2 * c.bank_words + 1))
        m.d.comb += moved.eq(self._wrapped(base + quotient * c.row_words + Mux(carry, c.row_words, 0)))
        m.d.sync += [
            bank.eq(bank + rest - Mux(carry, c.parallel[0], 0)),
            base.eq(moved),
            self._base.eq(moved),
        ]

    def base(self, bank: int) -> Value:
        """Base address in `bank` of the row that it holds: banks before the first one hold the next slot."""
        if self._config.parallel[0] == 1:
            return self._base
        return Mux(self.bank > bank, self._wrapped(self._base + self._config.row_words), self._base)


class Columns:
    """Where the current step's columns are. Columns are counted in words, `groups` a pixel."""

    def __init__(self, m: Module, c: WindowConfig, steps: Steps, go: Signal) -> None:
        stride, left = c.window.stride[1], c.window.pads[1]
        banks, groups = c.parallel[1], c.groups
        end = (c.output_size[1] - 1) * stride + c.window.kernel[1] - left
        shape = signed(bit_length(max(left, end) * groups) + 1)
        origin = -left * groups
        start, self._word = Signal(shape, name="start_word", init=origin), Signal(shape, name="word", init=origin)
        self.bank = Signal(range(max(banks, 2)), name="first_bank_column", init=-left % banks)
        # address of the window's first column in its bank; negative left of the image
        self._base = Signal(shape, name="first_column", init=-left // banks * groups)
        self._banks, self._groups = banks, groups
        next_start = Signal(shape)
        m.d.comb += next_start.eq(Mux(steps.row_end, origin, start + stride * groups))
        quotient, rest = divmod(stride, banks)
        carry = self.bank + rest >= banks
        with m.If(steps.position_step):
            m.d.sync += [
                start.eq(next_start),
                self._word.eq(next_start),
                self.bank.eq(Mux(steps.row_end, -left % banks, self.bank + rest - Mux(carry, banks, 0))),
                self._base.eq(
                    Mux(
                        steps.row_end,
                        -left // banks * groups,
                        self._base + quotient * groups + Mux(carry, groups, 0),
                    )
                ),
            ]
        with m.Elif(steps.row_step):
            m.d.sync += self._word.eq(start)
        with m.Elif(steps.column_step):
            m.d.sync += self._word.eq(self._word + groups)
        words = c.width * groups
        final = self._word + (banks - 1) * groups
        self.inside = [(self._word + n * groups >= 0) & (self._word + n * groups < words) for n in range(banks)]
        self.last = Mux(final < words, final, words - groups) + steps.group
        self.outside = (final < 0) | (self._word >= words)

    def base(self, bank: int) -> Value:
        if self._banks == 1:
            return self._word
        return Mux(self.bank > bank, self._base + self._groups, self._base)


def _clamped(value: Value, high: int) -> Value:
    return Mux(value < 0, 0, Mux(value > high, high, value))


def bit_length(value: int) -> int:
    return int(value).bit_length()
