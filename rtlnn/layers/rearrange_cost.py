"""What a rearrangement costs."""

from collections.abc import Sequence

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.rearrange_steps import transitions_of
from rtlnn.layers.rearranging import SLOTS, Rearranging
from rtlnn.layers.results import PassShape
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams, lutram

__all__ = ["rearrange_resources"]


def _table(values: Sequence[int], bits: int) -> Resources:
    """A look-up: nothing if all entries are equal, else a register, and a LUT for 64 entries or as few others."""
    most = max(values.count(v) for v in set(values))
    others = len(values) - most
    if not others:
        return Resources()
    index = counter_bits(len(values))
    return Resources(lut=min(bits * -(-len(values) // 64), (bits + -(-index // 6)) * others), ff=bits)


def rearrange_resources(shape: Rearranging) -> Resources:
    """Loops, tables, two or three sums, the memory, the choice of lanes, the queue."""
    if shape.wiring:
        return Resources()
    counts = [len(axis.words) for axis in shape.axes]
    loops = sum(counter_bits(n) + 1 for n in counts)
    bits = shape.count_bits
    total = Resources(lut=2 * loops + 12, ff=loops + 20)
    for transitions in transitions_of(shape):
        for values in (transitions.rows, transitions.columns, transitions.beats):
            total = total + _table(values, bits)
        # the choice of a change, its sum, and two registers behind it
        total = total + Resources(lut=2 * bits, ff=3 * bits)
    # two comparisons with what has come, and two with the limit
    total = total + Resources(lut=2 * bits + bits, ff=2 * bits)
    if shape.depth & (shape.depth - 1):
        address = counter_bits(shape.depth) + 1
        total = total + Resources(lut=6 * address, ff=5 * address)
    width, target = shape.source.width, shape.target
    if shape.depth <= LUTRAM_WORDS:
        total = total + Resources(lut=lutram(shape.depth, width), ff=width)
    else:
        total = total + Resources(bram36=block_rams(shape.depth, width))
    choice = target.width * -(-(len(shape.choices) - 1) // 3)
    fills = target.width // 2 if any(axis.filled.any() for axis in shape.axes) else 0
    total = total + Resources(lut=choice + fills, ff=target.width)
    return total + PassShape(1, 1, 1, 1).queue_resources(target, SLOTS)
