"""Beats of one stream that are made of whole beats of another."""

from functools import lru_cache
from math import lcm

from amaranth.hdl import Module, Signal

from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.stream import StreamFormat

__all__ = ["beat_sizes", "parts", "parts_of", "phase_bits"]


def beat_sizes(fmt: StreamFormat) -> list[int]:
    """Elements of each beat of a pixel."""
    rest = fmt.channels - (fmt.beats_per_pixel - 1) * fmt.elements
    return [fmt.elements] * (fmt.beats_per_pixel - 1) + [rest]


@lru_cache(maxsize=4096)
def parts_of(large: StreamFormat, small: StreamFormat) -> tuple[int, ...] | None:
    """The beats of `small` in each beat of `large`, until it repeats; None where a beat of `small` lies across.

    All beats of `small` but the last one in a beat of `large` are full, so that their places are multiples of it.
    """
    period = lcm(large.channels, small.channels)
    sizes = beat_sizes(small) * (period // small.channels)
    result, n = [], 0
    for size in beat_sizes(large) * (period // large.channels):
        filled = begin = 0
        for begin in range(n, len(sizes)):
            if filled >= size or filled % small.elements:
                break
            filled += sizes[begin]
            n = begin + 1
        if filled != size:
            return None
        result.append(n)
    counts = [b - a for a, b in zip([0, *result], result, strict=False)]
    length = next(k for k in range(1, len(counts) + 1) if counts == (counts[:k] * -(-len(counts) // k))[: len(counts)])
    return tuple(counts[:length])


def phase_bits(pattern: tuple[int, ...]) -> int:
    """Flip-flops of `parts`."""
    return counter_bits(len(pattern)) if len(set(pattern)) > 1 else 0


def parts(m: Module, pattern: tuple[int, ...], step: Signal, name: str) -> Signal:
    """How many parts the current beat has; the pattern goes on with `step`."""
    number = Signal(range(max(pattern) + 1), name=name)
    common = max(sorted(set(pattern)), key=pattern.count)
    m.d.comb += number.eq(common)
    if len(set(pattern)) > 1:
        place, _ = count(m, len(pattern), step, f"{name}_place")
        with m.Switch(place):
            for n, value in enumerate(pattern):
                if value != common:
                    with m.Case(n):
                        m.d.comb += number.eq(value)
    return number
