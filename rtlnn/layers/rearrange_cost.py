"""What a rearrangement costs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits, counter_ff, counter_luts
from rtlnn.layers.rearrange_steps import Transitions, transitions_of
from rtlnn.layers.rearranging import SLOTS, Rearranging
from rtlnn.layers.results import PassShape
from rtlnn.layers.rom import LUTRAM_WORDS, block_luts, block_rams, lutram

__all__ = ["rearrange_resources"]

_CONTROL = Resources(lut=22, ff=18)
"""Flags, their delays, credits."""


def _bits(values: Sequence[int], bits: int) -> NDArray[np.int64]:
    """[bit, entry] of a table."""
    result: NDArray[np.int64] = (np.asarray(values, dtype=np.int64) >> np.arange(bits)[:, None]) & 1
    return result


def _different(columns: NDArray[np.int64]) -> int:
    """Registers for a table's bits: equal ones are one, and those of no entry, or all, none."""
    total = columns.sum(axis=1)
    kept = columns[(total > 0) & (total < columns.shape[1])]
    return len(np.unique(kept, axis=0))


def _changes(t: Transitions, bits: int) -> Resources:
    """The tables of what is added, a LUT for 64 entries of a bit; the choice between them."""
    tables = [_bits(values, bits) for values in (t.rows, t.columns, t.beats)]
    total = Resources()
    for table in tables:
        registers = _different(table)
        total = total + Resources(lut=registers * -(-table.shape[1] // 64), ff=registers)
    together = np.concatenate(tables, axis=1)
    chosen = len(np.unique(together[together.any(axis=1)], axis=0))
    return total + Resources(lut=chosen, ff=chosen)


def rearrange_resources(shape: Rearranging) -> Resources:
    """Loops, tables, two or three sums, the memory, the choice of lanes, the queue."""
    if shape.wiring:
        return Resources()
    counts = [len(axis.words) for axis in shape.axes]
    ends = sum(n > 1 for n in counts[1:])
    total = _CONTROL + Resources(lut=sum(map(counter_luts, counts)), ff=sum(map(counter_ff, counts)) + ends)
    bits, ring = shape.count_bits, shape.depth & (shape.depth - 1) > 0
    words, kept = transitions_of(shape)
    for transitions in (words, kept):
        total = total + _changes(transitions, bits)
    # what is needed and what is kept, each in two stages; what has come, and with one more
    total = total + Resources(lut=6 * bits, ff=6 * bits)
    if ring:
        address = counter_bits(shape.depth) + 1
        total = total + Resources(lut=6 * address, ff=5 * address)
    width, target = shape.source.width, shape.target
    if shape.depth <= LUTRAM_WORDS:
        total = total + Resources(lut=lutram(shape.depth, width), ff=width)
    else:
        total = total + Resources(lut=block_luts(shape.depth, width), bram36=block_rams(shape.depth, width))
    choice = target.width * -(-(len(shape.choices) - 1) // 3)
    fills = target.width // 2 if any(axis.filled.any() for axis in shape.axes) else 0
    total = total + Resources(lut=choice + fills, ff=target.width)
    return total + PassShape(1, 1, 1, 1).queue_resources(target, SLOTS)
