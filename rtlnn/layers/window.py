"""Geometry and folding of sliding windows."""

from dataclasses import dataclass, field
from functools import cached_property
from math import gcd, prod

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.memory_kind import LUTRAM_WORDS
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.window_cost import window_resources
from rtlnn.ops.window import Window

__all__ = ["PIXELS", "Tile", "WindowConfig", "min_rows"]

PIXELS = (1, 2, 4, 8)
"""Pixels that a beat of the input may have."""


@dataclass(frozen=True)
class Tile:
    """Neighbouring positions of the window that belong together.

    They become one result (a pooling of the sums) or one group of results (several columns at once). All tuples are
    (rows, columns).

    Parameters
    ----------
    size : positions of a tile
    stride : positions from one tile to the next
    at_once : positions that are read in the same step: 1 or all, each
    """

    size: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    at_once: tuple[int, int] = (1, 1)

    @property
    def serial(self) -> tuple[int, int]:
        """Positions that are read one after the other."""
        return self.size[0] // self.at_once[0], self.size[1] // self.at_once[1]

    @property
    def parallel(self) -> int:
        """Positions a step."""
        return prod(self.at_once)

    def span(self, window: Window, axis: int) -> int:
        """Rows or columns of the image that a tile reads."""
        return (self.size[axis] - 1) * window.stride[axis] + window.extent[axis]

    def hop(self, window: Window, axis: int) -> int:
        """Rows or columns of the image from one tile to the next."""
        return self.stride[axis] * window.stride[axis]

    def rectangle(self, window: Window, parallel: tuple[int, int], axis: int) -> int:
        """Rows or columns of the image from the first one that a step reads to the last one."""
        return (self.at_once[axis] - 1) * window.stride[axis] + (parallel[axis] - 1) * window.dilation[axis] + 1


@dataclass(frozen=True)
class WindowConfig:
    """Geometry and folding of a sliding window.

    Pixels enter in NHWC order: `lanes` channels a beat, or several pixels with all their channels. For every tile of
    positions the reader makes `passes` passes of `steps` steps; a step delivers `simd` values for each of the
    positions that it serves: `lanes` channels of one pixel, or of a whole row, column or window of the kernel, as
    `parallel` says.

    Parameters
    ----------
    height, width, channels : of a frame
    bits, signed : of a value of the input
    window : kernel, stride, pads, dilation
    pad_value : the integer that stands in for padding, on `x`
    lanes : channels a beat
    parallel : kernel (rows, columns) read in one step: 1 or the whole kernel, each
    blocks : equal parts of a pixel's words that passes read on their own: 1 where sums go over all channels, all words
        where each channel has sums of its own (pooling, depthwise convolution), groups between the two
    channel_passes : passes over each block
    rows : row slots of the buffer, a multiple of the rows that a step reads; at least what a tile reads
    tile : positions that belong together
    pixels : pixels a beat of the input; more than one only where `lanes` are all channels
    flip : invert each value's top bit: an unsigned x becomes the signed x - 2**(bits - 1)
    split : steps in which a position's values are delivered, piece by piece
    """

    height: int
    width: int
    channels: int
    bits: int
    signed: bool
    window: Window
    pad_value: int
    lanes: int
    parallel: tuple[int, int]
    blocks: int
    channel_passes: int
    rows: int
    tile: Tile = field(default_factory=Tile)
    pixels: int = 1
    flip: bool = False
    split: int = 1

    def __post_init__(self) -> None:
        for axis in range(2):
            if self.parallel[axis] not in (1, self.window.kernel[axis]):
                raise ValueError(f"parallel {self.parallel} is neither 1 nor the kernel {self.window.kernel}")
            if self.tile.at_once[axis] not in (1, self.tile.size[axis]):
                raise ValueError(f"{self.tile.at_once} positions at once are neither 1 nor the tile {self.tile.size}")
        if self.groups % self.blocks:
            raise ValueError(f"{self.groups} words a pixel do not make {self.blocks} blocks")
        taps = self.lanes * prod(self.parallel)
        # any more pieces would be empty
        if self.split > -(-taps // self.simd):
            raise ValueError(f"split {self.split} does not fit the {taps} values that a step reads")
        if self.pixels not in PIXELS:
            raise ValueError(f"pixels {self.pixels} must be one of {', '.join(map(str, PIXELS))}")
        if self.pixels > 1 and self.lanes < self.channels:
            raise ValueError(
                f"{self.pixels} pixels a beat need all {self.channels} channels as lanes, not {self.lanes}"
            )
        low = -(1 << self.bits - 1) if self.x_signed else 0
        if max(self.window.pads) > 0 and not low <= self.pad_value < low + (1 << self.bits):
            raise ValueError(f"{self.bits} bits do not hold the value {self.pad_value} of the padding")
        if self.rows < min_rows(self.window, self.parallel, self.tile) or self.rows % self.banks[0]:
            raise ValueError(f"{self.rows} row slots do not serve a kernel of {self.window.kernel} by {self.parallel}")

    @property
    def x_signed(self) -> bool:
        """Whether the values on `x` are two's complement."""
        return self.signed != self.flip

    @property
    def input(self) -> StreamFormat:
        c, bits, sign = self.channels, self.bits, self.signed
        if self.pixels == 1:
            return StreamFormat(self.lanes, bits, sign, c, self.height * self.width)
        if self.width % self.pixels == 0:
            beats = self.height * self.width // self.pixels
            return StreamFormat(self.pixels * c, bits, sign, self.pixels * c, beats)
        # a row ends with a partial beat
        elements = min(self.pixels, self.width) * c
        return StreamFormat(elements, bits, sign, self.width * c, self.height)

    @property
    def groups(self) -> int:
        """Words a pixel."""
        return -(-self.channels // self.lanes)

    @property
    def row_beats(self) -> int:
        """Beats of the input for each row of the image."""
        return -(-self.width // self.pixels) * self.groups

    @property
    def simd(self) -> int:
        """Values a step for each position."""
        return -(-self.lanes * prod(self.parallel) // self.split)

    @property
    def rectangle(self) -> tuple[int, int]:
        """(rows, columns) of the image from the first pixel that a step reads to the last one."""
        rows, columns = (self.tile.rectangle(self.window, self.parallel, axis) for axis in range(2))
        return rows, columns

    @cached_property
    def taps(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The (rows, columns) of the rectangle that a step reads."""
        return self._taps(0), self._taps(1)

    def _taps(self, axis: int) -> tuple[int, ...]:
        stride, dilation = self.window.stride[axis], self.window.dilation[axis]
        positions = range(0, self.tile.at_once[axis] * stride, stride)
        kernel = range(0, self.parallel[axis] * dilation, dilation)
        return tuple(sorted({n + k for n in positions for k in kernel}))

    @cached_property
    def all_starts(self) -> tuple[list[int], list[int]]:
        """The banks in which a rectangle can begin, by axis."""
        return self._starts(0), self._starts(1)

    def _starts(self, axis: int) -> list[int]:
        apart = gcd(self.banks[axis], *self._moves(axis))
        return list(range(-self.window.pads[1 if axis else 0] % apart, self.banks[axis], apart))

    def _moves(self, axis: int) -> list[int]:
        """Rows or columns that the rectangle moves by."""
        # frames follow each other in the circular buffer, but every row begins in the first bank
        moves = [self.hop[axis]] if axis else [self.hop[axis], self.height]
        moves += [self.window.stride[axis]] * (self.tile.serial[axis] > 1)
        return moves + [self.window.dilation[axis]] * (self.kernel_steps[axis] > 1)

    @property
    def known_column(self) -> int:
        """What divides all places of the rectangle's first column among the banks."""
        return gcd(self.banks[1], *self._moves(1), self.window.pads[1])

    @cached_property
    def hop(self) -> tuple[int, int]:
        """(rows, columns) of the image from one tile to the next."""
        return self.tile.hop(self.window, 0), self.tile.hop(self.window, 1)

    @cached_property
    def banks(self) -> tuple[int, int]:
        """Memories by (rows, columns): as many as the rectangle has, and a beat writes."""
        rows, columns = self.rectangle
        return rows, -(-columns // self.pixels) * self.pixels

    @property
    def output_size(self) -> tuple[int, int]:
        """(rows, columns) of tiles."""
        size = self.window.output_size((self.height, self.width))
        t = self.tile
        rows, columns = ((size[n] - t.size[n]) // t.stride[n] + 1 for n in range(2))
        return rows, columns

    @property
    def begins_outside(self) -> bool:
        """Whether a frame's first step reads padding alone."""
        top, left = self.window.pads[:2]
        return top >= self.rectangle[0] or left >= self.rectangle[1]

    @property
    def positions(self) -> int:
        """Tiles a frame."""
        return prod(self.output_size)

    @property
    def kernel_steps(self) -> tuple[int, int]:
        """Steps over the kernel's (rows, columns)."""
        return self.window.kernel[0] // self.parallel[0], self.window.kernel[1] // self.parallel[1]

    @property
    def steps(self) -> int:
        """Steps a pass for each of the tile's positions that are read one after the other."""
        return prod(self.kernel_steps) * self.pass_words * self.split

    @property
    def pass_words(self) -> int:
        """Words that a pass reads of a pixel."""
        return self.groups // self.blocks

    @property
    def pass_steps(self) -> int:
        """Steps a pass."""
        return self.steps * prod(self.tile.serial)

    @property
    def passes(self) -> int:
        """Passes a tile."""
        return self.channel_passes * self.blocks

    @property
    def cycles(self) -> int:
        """Cycles a frame that the reader is busy."""
        return self.positions * self.passes * self.pass_steps

    @property
    def row_words(self) -> int:
        """Words a row takes in each bank."""
        return -(-self.width // self.banks[1]) * self.groups

    @property
    def bank_words(self) -> int:
        return self.rows // self.banks[0] * self.row_words

    @property
    def resources(self) -> Resources:
        """Without the index of a step."""
        return window_resources(self)

    @property
    def registers(self) -> int:
        """Of a value on its way to `x`, with nothing between them: two behind memories of LUTs.

        None where padding resets it.
        """
        if self.split > 1:
            # of a number of pieces that is no power of two, the register has an enable
            return 1 if self.split & (self.split - 1) == 0 else 0
        if max(self.window.pads) > 0:
            return 0
        turned = any(len(starts) > 1 for starts in self.all_starts)
        return 1 if turned or self.bank_words > LUTRAM_WORDS else 2

    @property
    def index_resources(self) -> Resources:
        """Of the index of a step, where its weights are: a counter, and three registers as shift register LUTs."""
        bits = counter_bits(self.passes * self.steps)
        several = self.passes > 1 and prod(self.tile.serial) > 1
        return Resources(lut=2 * bits, ff=bits * (1 + several))


def min_rows(window: Window, parallel: tuple[int, int], tile: Tile) -> int:
    """Row slots without which a tile could not be read: all its rows, rounded up to whole banks."""
    banks = tile.rectangle(window, parallel, 0)
    return -(-tile.span(window, 0) // banks) * banks
