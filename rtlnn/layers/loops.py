"""The nested loops of a sliding window's reader."""

from amaranth.hdl import Const, Module, Mux, Signal, Value

from rtlnn.layers.counter import count
from rtlnn.layers.window import WindowConfig

__all__ = ["Loops"]


class Loops:
    """Where the reader is: piece, group, kernel column and row, tile column and row, pass, block, column, row.

    The innermost loop comes first. All advance with `go`. Each `<loop>_end` says that this is the last step of that
    loop and of all within it.

    Members
    -------
    piece : of the values of a position
    group : word of the pixel
    group_end, kernel_column_end, kernel_row_end, tile_column_end : see above
    position_end, pass_end, column_end, row_end, frame_end : last step of a position, a pass, a tile, a row of tiles,
        a frame
    first, begin, frame_begin : first step of a position, a pass, a frame
    row, column : the tile
    last_row : the tile is in the last row
    index : pass * steps + step
    """

    def __init__(self, m: Module, c: WindowConfig, go: Signal) -> None:
        (ky, kx), (ty, tx), (oh, ow) = c.kernel_steps, c.tile.serial, c.output_size
        self._m, self._go = m, go
        # whether all loops so far are in their last turn: now, and in the next step
        self._ended: Value = Const(1, 1)
        self._will_end: Value = Const(1, 1)
        self.piece, piece_end = self._nest(c.split, "piece")
        inner, self.group_end = self._nest(c.pass_words, "group")
        _, self.kernel_column_end = self._nest(kx, "kernel_column")
        _, self.kernel_row_end = self._nest(ky, "kernel_row")
        self.position_end = self.kernel_row_end
        _, self.tile_column_end = self._nest(tx, "tile_column")
        _, self.pass_end = self._nest(ty, "tile_row")
        _, block_end = self._nest(c.channel_passes, "pass")
        block, self.column_end = self._nest(c.blocks, "block")
        if c.blocks == 1 or c.pass_words == 1:
            self.group = inner if c.blocks == 1 else block
        else:
            self.group = self._word(c, piece_end, block_end)
        self.column, self.row_end = self._nest(ow, "column")
        self.row, self.frame_end = self._nest(oh, "row")
        self.last_row = self._last
        self.first = self._after(self.position_end, "first")
        self.begin = self._after(self.pass_end, "begin")
        self.frame_begin = self._after(self.frame_end, "frame_begin")
        self.index = self._index(c)

    def _nest(self, modulo: int, name: str) -> tuple[Signal, Value]:
        """One loop around those so far: (value, whether this is the last step of it and of all within, a register)."""
        m, inside = self._m, self._ended
        step = Signal(name=f"{name}_step")
        m.d.comb += step.eq(self._go & inside)
        value, self._last = count(m, modulo, step, name)
        if modulo > 1:
            ended = Signal(name=f"{name}_end")
            will_end = Signal(name=f"{name}_will_end")
            # known a turn ahead, so that one gate for each loop decides
            before_last = Signal(name=f"{name}_before_last", init=modulo == 2)
            with m.If(step):
                m.d.sync += before_last.eq(value == (modulo - 3) % modulo)
            m.d.comb += will_end.eq(Mux(inside, before_last, self._last) & self._will_end)
            with m.If(self._go):
                m.d.sync += ended.eq(will_end)
            self._ended, self._will_end = ended, will_end
        return value, self._ended

    def _word(self, c: WindowConfig, piece_end: Value, block_end: Value) -> Signal:
        """The word of the pixel, where blocks have several."""
        m = self._m
        word = Signal(range(c.groups), name="word_of_pixel")
        start = Signal.like(word, name="word_of_block")
        with m.If(self._go):
            with m.If(self.column_end):
                m.d.sync += [word.eq(0), start.eq(0)]
            with m.Elif(block_end):
                m.d.sync += [word.eq(word + 1), start.eq(word + 1)]
            with m.Elif(self.group_end):
                m.d.sync += word.eq(start)
            with m.Elif(piece_end):
                m.d.sync += word.eq(word + 1)
        return word

    def _after(self, end: Value, name: str) -> Signal:
        """Whether the step follows one with `end`; so does the first of all."""
        result = Signal(name=name, init=1)
        with self._m.If(self._go):
            self._m.d.sync += result.eq(end)
        return result

    def _index(self, c: WindowConfig) -> Signal:
        """The weights are the same for all positions of a tile."""
        m = self._m
        index = Signal(range(max(c.passes * c.steps, 2)), name="index")
        start = Signal.like(index, name="pass_index")
        following = Signal.like(index, name="next_index")
        m.d.comb += following.eq(index + 1)
        with m.If(self._go):
            with m.If(self.column_end):
                m.d.sync += [index.eq(0), start.eq(0)]
            with m.Elif(self.pass_end):
                m.d.sync += [index.eq(following), start.eq(following)]
            with m.Elif(self.position_end):
                m.d.sync += index.eq(start)
            with m.Else():
                m.d.sync += index.eq(following)
        return index
