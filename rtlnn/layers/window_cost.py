"""What a line buffer costs: its registers, counted one by one, and LUTs in proportion to what they do.

The factors are fitted to Yosys's counts (`tests/synthesis/test_estimates.py`).
"""

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram

if TYPE_CHECKING:
    from rtlnn.layers.window import WindowConfig

__all__ = ["window_resources"]

_TURN = {2: 1.0, 3: 1.4, 4: 1.6}
"""LUTs a bit of a choice between so many banks, with the choice of padding behind it."""
_TURN_MORE = 0.53
"""The same for more banks, for each bank."""
_COUNT = 1.75
"""LUTs a bit of a counter, with the comparisons that it takes part in."""
_ADDRESS = 1.2
"""LUTs a bit of a bank's address."""


@lru_cache(maxsize=1 << 14)
def window_resources(c: "WindowConfig") -> Resources:
    """The banks' memory, the rotation that aligns them, the counters and the stages up to `x`."""
    banks, width = prod(c.banks), c.lanes * c.bits
    counters, stages, address = _counters(c), _stages(c), banks * counter_bits(c.bank_words)
    lut = _COUNT * counters + (_ADDRESS * address if banks > 1 else 0)
    lut += sum(_TURN.get(n, _TURN_MORE * n) * banks * width for n in c.banks if n > 1)
    if c.split > 1:
        pieces = c.tile.parallel * c.simd * c.bits
        lut += pieces * -(-(c.split - 1) // 3)
        ff = counters + address + stages + pieces
    else:
        ff = counters + address + stages + prod(map(len, c.taps)) * width
    if c.bank_words > LUTRAM_WORDS:
        return Resources(lut=round(lut), ff=ff, bram36=banks * block_rams(c.bank_words, width))
    # the read register of a block RAM is its own; that of LUTs is not
    return Resources(lut=round(lut) + banks * lutram(c.bank_words, width), ff=ff + banks * width)


def _counters(c: "WindowConfig") -> int:
    """Bits of everything that counts: steps, rows, columns, what is in the buffer, where it is written."""
    (oh, ow), (ky, kx), (by, bx) = c.output_size, c.kernel_steps, c.banks
    extent, stride, (top, left) = c.window.extent, c.window.stride, c.window.pads[:2]
    steps = [c.steps // (ky * kx), kx, ky, *c.tile.serial, c.channel_passes, c.blocks, c.passes * c.steps, ow, oh, 2]
    last_row, last_column = (oh - 1) * stride[0] + extent[0] - top, (ow - 1) * stride[1] + extent[1] - left
    row_bits = max(top, last_row).bit_length() + 1
    column_bits = (max(left, last_column) * c.groups).bit_length() + 1
    places = (2 * row_bits if oh * ky > 1 else 0) + (2 * column_bits if ow * kx > 1 else 0)
    places += (column_bits if bx > 1 else 0) + 2 * ((c.height + c.rows).bit_length() + 1)
    reading = [by, bx, c.bank_words, c.bank_words, c.height + 1]
    writing = [c.row_beats, c.groups, by, bx // c.pixels, c.bank_words, c.row_words]
    return places + sum(counter_bits(n) for n in (*steps, *reading, *writing))


def _stages(c: "WindowConfig") -> int:
    """Registers beside the pipeline to `x`: what is padding, how far to turn, the weights' address, three flags."""
    inside = sum(c.rectangle) if max(c.window.pads) > 0 else 0
    turn = sum(counter_bits(n) for n in c.banks)
    return 2 * (inside + turn) + counter_bits(c.passes * c.steps) + 9
