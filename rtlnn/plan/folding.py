"""Foldings: how much of a layer works in parallel."""

from dataclasses import dataclass

from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.memory_kind import MemoryKind

__all__ = ["Folding"]


@dataclass(frozen=True)
class Folding:
    """Parallelism and buffers of one kernel.

    Parameters
    ----------
    pe : output channels in parallel; equal to `lanes` where there are no weights
    lanes : input channels in parallel; with groups, `pe` and `lanes` divide those of a group, or are whole groups
    parallel : kernel (rows, columns) in parallel: 1 or the whole kernel, each
    rows : row slots of the line buffer, None for the smallest that loses nothing
    slots : passes under way, None for the smallest number that loses nothing
    positions : positions of the window (rows, columns) in parallel: of those that are pooled 1 or all, each; else any
        columns that divide a row, where all output channels are computed at once
    pixels : pixels a beat of the input, None for as few as keep up
    split : steps over which the values of `lanes` and `parallel` are spread
    chain : the longest chain of slices, None for what the weights allow; shorter ones have less latency
    spacing : cycles that a requantizer has for a result, None for two where that takes no more of them, else one
    results : results at once, a divisor of all that a pass yields; None for as few as keep up
    memory : what the weights lie in, None for what their number asks for
    stream : frames of a batch for which the weights come anew from external memory; None where they stay on the chip
    accumulation : what adds up the steps of a pass, None for what takes the fewest slices, then LUTs
    """

    pe: int
    lanes: int
    parallel: tuple[int, int]
    rows: int | None = None
    slots: int | None = None
    positions: tuple[int, int] = (1, 1)
    pixels: int | None = None
    split: int = 1
    chain: int | None = None
    spacing: int | None = None
    results: int | None = None
    accumulation: Accumulation | None = None
    memory: MemoryKind | None = None
    stream: int | None = None
