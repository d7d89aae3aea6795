"""The tables of a rearrangement in units of words, and what each of its loops lets go of."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Level", "levels_of"]

Integers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Axis:
    """One loop over words.

    Parameters
    ----------
    words : what each turn adds to a word's number; a turn without a word repeats the one before it, or the first one
    filled : whether a turn has no word
    """

    words: Integers
    filled: NDArray[np.bool_]

    @classmethod
    def of(cls, words: Integers) -> "Axis":
        """`words`, in which a negative entry means none."""
        filled = words < 0
        if filled.all():
            return cls(np.zeros_like(words), filled)
        known = np.where(filled, -1, np.arange(len(words)))
        place = np.maximum.accumulate(known)
        return cls(words[np.where(place < 0, np.flatnonzero(~filled)[0], place)], filled)

    @property
    def lo(self) -> int:
        return int(self.words.min())

    @property
    def hi(self) -> int:
        return int(self.words.max())

    @property
    def later(self) -> Integers:
        """The lowest word of each turn and all after it; above all words where no turn has one."""
        used = np.where(self.filled, self.hi + 1, self.words)
        if self.filled.all():
            used = self.words
        return np.minimum.accumulate(used[::-1])[::-1]


@dataclass(frozen=True, eq=False)
class Level:
    """What a loop lets go of, turn by turn.

    The lowest word that is still needed is low[turn], plus, where the turn `releases`, that of the loop within. The
    innermost loop has none within.
    """

    low: Integers
    releases: tuple[bool, ...]


def levels_of(axes: tuple[Axis, Axis, Axis], frame: int) -> tuple[Level, Level, Level]:
    """The levels of rows, columns and beats, from the words of each; a frame has `frame` words.

    A turn lets words go one by one if all of its words lie below those of all later turns; otherwise they are kept to
    its end.
    """
    rows, columns, beats = axes
    begins = columns.lo + beats.lo
    following = rows.later + begins
    # behind the last row that reads anything comes the next frame
    none = following > rows.hi + begins
    following = np.where(none, frame + following[0], following)
    after = np.append(following[1:], frame + following[0])
    row_releases = ~rows.filled & (rows.words + columns.hi + beats.hi < after)
    row_low = np.where(row_releases, rows.words, following)

    column_later = columns.later
    past = columns.hi + beats.hi + 1
    column_none = column_later > columns.hi
    column_after = np.append(column_later[1:], columns.hi + 1) + beats.lo
    column_releases = ~columns.filled & (columns.words + beats.hi < column_after)
    column_low = np.where(column_releases, columns.words, np.where(column_none, past, column_later + beats.lo))

    return (
        Level(row_low, tuple(row_releases.tolist())),
        Level(column_low, tuple(column_releases.tolist())),
        Level(beats.later, (False,) * len(beats.words)),
    )
