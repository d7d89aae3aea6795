"""What a line buffer costs: its registers, counted one by one, and LUTs in proportion to them and to what they choose.

Synthesis finds registers that are constant or equal to others, but not how far numbers go: of a place it keeps all bits
but those below what the place moves by. A flag that only passes three registers becomes a shift register LUT.
"""

from functools import lru_cache
from itertools import pairwise
from math import gcd, prod
from typing import TYPE_CHECKING, NamedTuple

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits, counter_ff
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram

if TYPE_CHECKING:
    from rtlnn.layers.window import WindowConfig

__all__ = ["window_resources"]

_CONTROL_FF = 18
"""Flags, their delays, what has been pushed and returned, which beat comes: in every line buffer."""
_CONTROL_LUT = 10
_CHOICE = {2: 1.0, 3: 1.0, 4: 1.5}
"""LUTs a bit of a choice between so many banks, and for more of them:"""
_CHOICE_MORE = 0.44
_BOTH = 1.55
"""By how much more if rows are chosen, from three or more, behind columns: both are made in parts, to be early."""
_BOTH_AND_PIECES = 1.25
"""The same where two or three pieces are chosen behind them: then the parts are theirs."""


@lru_cache(maxsize=1 << 14)
def window_resources(c: "WindowConfig") -> Resources:
    """The banks' memory, the rotation that aligns them, the counters and the stages up to `x`."""
    rows, columns = _rows(c), _columns(c)
    banks, width = prod(c.banks), c.lanes * c.bits
    freed = _freed(c.output_size[0], c.hop[0], c.window.pads[0], c.height)
    loops, beat = _loops(c, len(freed) == 1), _beat_bits(c)
    read = _addresses(c, columns)
    written = _written(c)
    inside, flags = _padding(c)
    turn = 4 * sum(counter_bits(n) for n, starts in zip(c.banks, c.all_starts, strict=True) if len(starts) > 1)
    ff = _CONTROL_FF + 3 * beat + loops + rows.place + rows.need + columns.place + columns.need
    ff += read.ff + written + turn + flags + _released(freed)
    lut = _CONTROL_LUT + beat + 2 * loops + 1.6 * rows.place + columns.place + 2 * (rows.need + columns.need)
    lut += columns.base / 2 + 1.75 * read.addresses + 2 * inside + 0.75 * written + _turned(c) * width
    if c.split > 1:
        pieces = c.tile.parallel * c.simd * c.bits
        ff, lut = ff + pieces + counter_bits(c.split), lut + pieces * -(-(c.split - 1) // 3)
    else:
        ff += prod(map(len, c.taps)) * width
    if c.bank_words > LUTRAM_WORDS:
        return Resources(lut=round(lut), ff=ff, bram36=banks * block_rams(c.bank_words, width))
    # the read register of a block RAM is its own; that of LUTs is not
    return Resources(lut=round(lut) + banks * lutram(c.bank_words, width), ff=ff + banks * width)


def _zeros(step: int) -> int:
    """Lowest bits that never change where a number moves by multiples of `step`; all of them if it does not move."""
    return (step & -step).bit_length() - 1 if step else 64


def _beat_bits(c: "WindowConfig") -> int:
    return (2 * max(c.rows, c.height + 1) * c.row_beats).bit_length() + 1


@lru_cache(maxsize=1024)
def _freed(tiles: int, hop: int, top: int, height: int) -> set[int]:
    """Numbers of rows that rows of tiles release."""
    lows = [min(max(n * hop - top, 0), height) for n in range(tiles)]
    return {b - a for a, b in pairwise([*lows, height])}


def _loops(c: "WindowConfig", same_freed: bool) -> int:
    """Of the nested loops; the last one is not needed where all rows go on alike."""
    oh, ow = c.output_size
    ky, kx = c.kernel_steps
    turns = [n for n in (c.split, c.pass_words, kx, ky, *c.tile.serial, c.channel_passes, c.blocks, ow) if n > 1]
    alike = c.height - (oh - 1) * c.hop[0] == c.hop[0] and same_freed
    if oh > 1 and (not alike or c.window.pads[0] or c.window.pads[2]):
        turns.append(oh)
    # a count, its last turn, and, a turn ahead, its last and the end of all loops so far
    bits = sum(counter_ff(n) + 2 for n in turns)
    words = 2 * counter_bits(c.groups) if c.blocks > 1 and c.pass_words > 1 else 0
    return bits + words + 1 + (prod(c.tile.serial) > 1)


class _Places(NamedTuple):
    """Bits of where the loops are, of what a step needs of them, and of the address that follows."""

    place: int
    need: int
    base: int = 0


def _rows(c: "WindowConfig") -> _Places:
    """Each loop with more than one turn keeps its beat, slot, and, where there is padding, row."""
    oh, (top, _, bottom, _) = c.output_size[0], c.window.pads
    last = (oh - 1) * c.hop[0] + c.tile.span(c.window, 0) - top
    row = max(top, last).bit_length() + 1 if max(top, bottom) > 0 else 0
    beat, slot = _beat_bits(c), counter_bits(c.rows)
    power = c.rows & (c.rows - 1) == 0
    step = gcd(c.height - (oh - 1) * c.hop[0], c.hop[0] if oh > 1 else 0)
    place = 0
    inner = ((c.window.stride[0], c.tile.serial[0]), (c.window.dilation[0], c.kernel_steps[0]))
    for by, turns in ((step, 2), *inner):
        if turns > 1:
            step = gcd(step, by)
            place += max(beat - _zeros(step * c.row_beats), 0) + row
            place += max(slot - _zeros(step), 0) if power else slot
    frame = max(beat - _zeros(c.height * c.row_beats), 0)
    place += frame * ((bottom > 0 or c.begins_outside) + c.begins_outside)
    return _Places(place, max(beat - _zeros(step * c.row_beats), 0))


def _columns(c: "WindowConfig") -> _Places:
    """Each loop with more than one turn keeps its word, bank and base."""
    ow, left, banks = c.output_size[1], c.window.pads[1], c.banks[1]
    last = max(left, (ow - 1) * c.hop[1] + c.tile.span(c.window, 1) - left)
    word, base = (last * c.groups).bit_length() + 1, ((last // banks + 1) * c.groups - 1).bit_length() + 1
    bank = counter_bits(banks) - _zeros(c.known_column)
    address, group = max(c.bank_words - 1, 1).bit_length(), counter_bits(c.groups)
    step = place = 0
    inner = ((c.window.stride[1], c.tile.serial[1]), (c.window.dilation[1], c.kernel_steps[1]))
    for by, turns in ((c.hop[1], ow), *inner):
        if turns > 1:
            step = gcd(step, by)
            whole = step // banks if step % banks == 0 else 1
            place += max(word - _zeros(step * c.groups), 0) + max(base - _zeros(whole * c.groups), 0)
            place += bank + (by % banks > 0)
    if not step:
        # the group alone, of which the bits below a row's beats are what the step needs
        return _Places(0, 0, min(group, address))
    shift = c.pixels.bit_length() - 1
    if group:
        return _Places(place, max(word + 1 - shift, 0), min(base + 1, address))
    still = _zeros(step // banks) if step % banks == 0 else 0
    return _Places(place, max(word + 1 - max(_zeros(step), shift), 0), max(min(base, address) - still, 0))


class _Read(NamedTuple):
    """Bits of all registers of addresses, and of the last ones, of the banks."""

    ff: int
    addresses: int


def _addresses(c: "WindowConfig", columns: _Places) -> _Read:
    """Banks that hold the same row, or column, share what is theirs of the address."""
    (by, bx), slots = c.banks, c.rows // c.banks[0]
    address = max(c.bank_words - 1, 1).bit_length()
    low = min(_zeros(c.row_words), address) if slots > 1 else address
    high = address - low
    row_base = min(high, 1) if slots == 2 else high
    different = bx // c.known_column
    along = 2 * columns.base * (2 if different > 1 else 1) + 2 * (different - 1)
    addresses = different * (min(low, columns.base) + by * high)
    if not columns.place:
        same = min(_zeros(c.row_beats), columns.base)
        along, addresses = along - same, addresses - min(same, low)
    return _Read(2 * by * row_base + along + addresses, addresses)


def _written(c: "WindowConfig") -> int:
    """Bits of where a beat is written, and of how many rows are free."""
    (by, bx), slots = c.banks, c.rows // c.banks[0]
    row = max(counter_bits(c.row_words) - _zeros(c.groups), 0) if c.row_words > c.groups else 0
    base = max(counter_bits(c.bank_words) - _zeros(c.row_words), 0) if slots > 1 else 0
    counts = counter_ff(c.row_beats) + counter_ff(c.groups) + counter_ff(by) + counter_bits(bx // c.pixels)
    return (c.height + c.rows).bit_length() + counts + base + row


def _padding(c: "WindowConfig") -> tuple[int, int]:
    """Rows and columns of which it is known whether they are padding; and bits of that, in four stages."""
    top, left, bottom, right = c.window.pads
    padded = (max(top, bottom) > 0, max(left, right) > 0)
    inside = sum(size for size, there in zip(c.rectangle, padded, strict=True) if there)
    taken = sum(len(taps) for taps, there in zip(c.taps, padded, strict=True) if there)
    return inside, 2 * (inside + taken) + 3 * any(padded)


def _released(freed: set[int]) -> int:
    """Bits of rows that are released, and of one less; three stages, of one bit where it is always the same."""
    return 3 if len(freed) == 1 else 1 + 2 * max(freed).bit_length()


def _turned(c: "WindowConfig") -> float:
    """LUTs for a bit of all lanes: columns are turned in all rows of banks, then rows."""
    (rows, columns), (by, _) = (len(taps) for taps in c.taps), c.banks
    starts = [len(s) for s in c.all_starts]
    each = [_CHOICE.get(n, _CHOICE_MORE * n) if n > 1 else 0 for n in starts]
    luts = each[1] * by * columns + each[0] * rows * columns
    if starts[0] < 3 or starts[1] == 1:
        return luts
    return luts * (_BOTH_AND_PIECES if c.split in (2, 3) else _BOTH)
