"""What a rearrangement reads, word by word, and how much of its input it has to remember."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtlnn.ir.types import TensorType
from rtlnn.layers.rom import LUTRAM_WORDS, block_rams
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.words import Axis, Level, levels_of
from rtlnn.ops.rearrange import Rearrange

__all__ = ["FILL", "SLOTS", "Rearranging"]

Integers: TypeAlias = NDArray[np.int64]
Pattern: TypeAlias = tuple[int, ...]
"""For each lane of an output beat: the lane of the word that it takes, or FILL."""

FILL = -1
SLOTS = 8
"""Beats that may be under way between the memory and the sink: a credit comes back after five cycles."""
_FRAMES = 4


@dataclass(frozen=True)
class Rearranging:
    """out[y, x, c] = in.flat[rows[y] + columns[x] + channels[c]]; -1 in a table: the constant `fill`.

    A word of the buffer is a beat of the input; a beat of the output takes all its elements from one word. Which beats
    of either side allow that, `fits` says.

    Parameters
    ----------
    source, target : the streams
    rows, columns, channels : see above
    fill : an integer of the streams' format
    memory : words of the buffer; None for as few as lose nothing
    """

    source: StreamFormat
    target: StreamFormat
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: tuple[int, ...]
    fill: int = 0
    memory: int | None = None

    def __post_init__(self) -> None:
        s, t = self.source, self.target
        if (s.bits, s.signed) != (t.bits, t.signed):
            raise ValueError(f"a rearrangement keeps the elements' type: {s} against {t}")
        if (t.channels, t.pixels) != (len(self.channels), len(self.rows) * len(self.columns)):
            raise ValueError(f"{len(self.rows)} x {len(self.columns)} x {len(self.channels)} elements are not {t}")
        if not self.fits:
            raise ValueError(
                f"beats of {t.elements} elements are not made of single beats of {s.elements}: their elements lie apart"
            )

    @classmethod
    def of(cls, op: Rearrange, x: TensorType, elements: int, results: int) -> "Rearranging":
        """`op` on integers of the type `x` with beats of `elements` to `results` elements.

        Raises `ValueError` where beats of these sizes do not fit the operation.
        """
        f, (h, w, c) = x.fixed, x.shape
        streams = [
            StreamFormat(n, f.bits, f.signed, channels, height * width)
            for n, (height, width, channels) in ((elements, (h, w, c)), (results, op.shape))
        ]
        return cls(streams[0], streams[1], op.rows, op.columns, op.channels, int(op.fill))

    @classmethod
    def all_of(cls, op: Rearrange, x: TensorType) -> "list[Rearranging]":
        """All sensible beats: of the input any divisor of its channels, of the output the largest that fits.

        The first one has the smallest beats; single elements always fit.
        """
        found = []
        for elements in _divisors(x.shape[2]):
            for results in sorted({*_divisors(len(op.channels)), min(elements, len(op.channels))}, reverse=True):
                try:
                    found.append(cls.of(op, x, elements, results))
                except ValueError:
                    continue
                break
        return found

    @property
    def cycles(self) -> int:
        """Cycles a frame."""
        return max(self.source.beats, self.target.beats)

    @cached_property
    def _parts(self) -> tuple[list[Integers], list[Integers]]:
        """Every table's entries as (words, lanes); FILL stays FILL."""
        channels, e = self.source.channels, self.source.elements
        words, lanes = [], []
        for table in (self.rows, self.columns, self.channels):
            values = np.asarray(table, dtype=np.int64)
            pixel, channel = np.divmod(values, channels)
            words.append(np.where(values < 0, FILL, pixel * self.source.beats_per_pixel + channel // e))
            lanes.append(np.where(values < 0, FILL, channel % e))
        return words, lanes

    @property
    def _groups(self) -> list[slice]:
        """The channels of each beat of an output pixel."""
        t = self.target
        return [slice(n * t.elements, (n + 1) * t.elements) for n in range(t.beats_per_pixel)]

    @cached_property
    def fits(self) -> bool:
        """Whether every beat of the output takes its elements from one beat of the input."""
        words, lanes = self._parts
        if self.source.elements > 1:
            # the sum of the tables must not carry from lanes to words, nor from channels to pixels
            e, c = self.source.elements, self.source.channels
            tables = (np.asarray(t, dtype=np.int64) for t in (self.rows, self.columns, self.channels))
            channels = sum(int(np.where(t < 0, 0, t % c).max()) for t in tables)
            if sum(max(int(a.max()), 0) for a in lanes) >= e or channels >= c:
                return False
        for group in self._groups:
            used = words[2][group]
            used = used[used >= 0]
            if used.size and (used != used[0]).any():
                return False
        return True

    @cached_property
    def axes(self) -> tuple[Axis, Axis, Axis]:
        """The words of rows, columns, and beats of a pixel; FILL where nothing is read."""
        words, _ = self._parts
        beats = np.array([max(words[2][group].max(), FILL) for group in self._groups])
        return Axis.of(words[0]), Axis.of(words[1]), Axis.of(beats)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """Which lanes each beat of a pixel takes; lanes past the last channel do as the first beat's."""
        lanes = self._parts[1][2]
        whole = [tuple(int(v) for v in lanes[group]) for group in self._groups]
        return tuple(p + whole[0][len(p) :] for p in whole)

    @cached_property
    def offsets(self) -> tuple[Integers, Integers]:
        """What rows and columns add to the lanes."""
        rows, columns = self._parts[1][:2]
        return np.maximum(rows, 0), np.maximum(columns, 0)

    @cached_property
    def choices(self) -> tuple[tuple[int, Pattern], ...]:
        """All (offset, pattern) in use, in order."""
        offsets = sorted({int(a + b) for a in set(self.offsets[0].tolist()) for b in set(self.offsets[1].tolist())})
        return tuple((o, p) for o in offsets for p in sorted(set(self.patterns)))

    @cached_property
    def wiring(self) -> bool:
        """Whether the beats are those of the input, in the same order: then only lanes change their places."""
        if self.source.beats != self.target.beats or len(self.choices) > 1 or self._fills:
            return False
        return bool((self.words == np.arange(self.source.beats)).all())

    @property
    def _fills(self) -> bool:
        return any(axis.filled.any() for axis in self.axes)

    @cached_property
    def levels(self) -> tuple[Level, Level, Level]:
        """What may be written again while rows, columns and beats go on."""
        return levels_of(self.axes, self.source.beats)

    @cached_property
    def words(self) -> Integers:
        """The word of every beat of a frame; where nothing is read, that of an earlier beat (or of the next one)."""
        r, x, k = (a.words for a in self.axes)
        result: Integers = (r[:, None, None] + x[None, :, None] + k[None, None, :]).ravel()
        return result

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Whether a beat of a frame needs no word. The first one always does: a frame begins when its input comes."""
        r, x, k = (a.filled for a in self.axes)
        result: NDArray[np.bool_] = (r[:, None, None] | x[None, :, None] | k[None, None, :]).ravel()
        result[0] = False
        return result

    @cached_property
    def kept(self) -> Integers:
        """For every beat of a frame, the lowest word that it or a later one may need: lower ones may be lost."""
        rows, columns, beats = self.levels
        inside = np.asarray(rows.releases)[:, None, None]
        within = inside & np.asarray(columns.releases)[None, :, None]
        low = rows.low[:, None, None] + inside * columns.low[None, :, None] + within * beats.low[None, None, :]
        result: Integers = low.ravel()
        return result

    @cached_property
    def capacity(self) -> int:
        """Words with which nothing is lost: the interval is the input's or the output's beats, whichever are more.

        With back to back frames, the busier side moves in every cycle. If that is the input, beats leave as early as
        they can, else words come as late as they may; both keep as few words as possible. What is needed late enough
        is then what the buffer must hold.
        """
        size, beats = self.source.beats, len(self.words)
        frames = np.arange(_FRAMES)[:, None]
        kept = np.append((self.kept + frames * size).ravel(), _FRAMES * size)
        words, free = (self.words + frames * size).ravel(), np.tile(self.free, _FRAMES)
        order, number = np.arange(len(words)), np.arange(_FRAMES * size)
        if size >= beats:
            comes = number
            issued = np.maximum.accumulate(np.where(free, -1, words + 1) - order) + order
        else:
            issued = order
            last = np.full(len(number), len(order) + len(number))
            np.minimum.at(last, words[~free], issued[~free] - 1)
            comes = np.minimum.accumulate((last - number)[::-1])[::-1] + number
        # a word's place is free two cycles after the last beat that needed what was there
        seen = np.searchsorted(issued, comes - 2, side="right")
        most = number - kept[seen] + 1
        inner = most if size >= beats else most[size:-size]
        return int(inner.max())

    @cached_property
    def depth(self) -> int:
        """Words of the memory: `capacity`, or the power of two above it where that costs nothing."""
        if self.memory is not None:
            return self.memory
        power = 1 << (self.capacity - 1).bit_length()
        width = self.source.width
        if power <= LUTRAM_WORDS or block_rams(power, width) == block_rams(self.capacity, width):
            return max(power, 2)
        return self.capacity

    @property
    def count_bits(self) -> int:
        """Bits of a count of words, so wide that the sign of a difference is known."""
        return (2 * (2 * self.source.beats + self.depth)).bit_length() + 1


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]
