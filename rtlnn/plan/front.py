"""The ways to build each layer, evaluated only where the search looks."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.stream import StreamFormat
from rtlnn.plan.amounts import Vector
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import WASTE, Sized, alike, lean
from rtlnn.plan.option import Option
from rtlnn.plan.simple import options_of
from rtlnn.plan.streaming import NO_STREAMING, Streaming, sparing
from rtlnn.plan.tasks import Task

__all__ = ["Choices", "Front", "fronts_of"]

_FEW = 16
"""Multipliers by which a folding may exceed the fewest in any case: width converters can cost more."""

_NEAR = 48
"""Foldings of a layer that are looked at for an interval: as many with the least weight, and the fewest multipliers."""


@dataclass(frozen=True, eq=False)
class Choices:
    """Options of a layer that keep to an interval, the fastest first: `amounts` [n, resources], whole numbers."""

    options: Sequence[Option]
    amounts: Array

    @classmethod
    def of(cls, options: Sequence[Option]) -> "Choices":
        return cls(options, np.array([option.vector for option in options], dtype=np.int64).reshape(-1, 5))

    def cheapest(self, prices: Vector, count: int) -> list[Option]:
        """The first is the cheapest."""
        order = np.argsort(self.amounts @ np.array(prices, dtype=np.int64), kind="stable")
        return [self.options[n] for n in order[:count]]

    def least(self, prices: Vector) -> int:
        """The price of the cheapest."""
        return int((self.amounts @ np.array(prices, dtype=np.int64)).min())

    def within(self, most: Vector) -> "Choices | None":
        """Those that take no more than `most`; None if there are none."""
        fit = (self.amounts <= np.array(most, dtype=np.int64)).all(axis=1)
        if fit.all():
            return self
        kept = np.flatnonzero(fit).tolist()
        return Choices([self.options[n] for n in kept], self.amounts[kept]) if kept else None

    def worthwhile(self) -> "Choices":
        """Without those of which another one has the same streams and takes no more of anything."""
        kept: list[int] = []
        groups: dict[tuple[tuple[StreamFormat, ...], ...], list[int]] = {}
        for n, option in enumerate(self.options):
            groups.setdefault((option.inputs, option.outputs), []).append(n)
        for group in groups.values():
            kept += [group[n] for n in undominated(self.amounts[group])]
        kept.sort()
        return Choices([self.options[n] for n in kept], self.amounts[kept])


def undominated(amounts: Array) -> list[int]:
    """The rows of which no other one is nowhere larger; the first of equal ones."""
    kept: list[int] = []
    for n in np.lexsort((np.arange(len(amounts)), amounts.sum(axis=1))):
        if not kept or not (amounts[kept] <= amounts[n]).all(axis=1).any():
            kept.append(int(n))
    return sorted(kept)


class Front:
    """The foldings of one task, the fastest first, each built when it is looked at for the first time.

    Parameters
    ----------
    facts : cycles, multipliers and weight of each folding (see `Sized`), by cycles
    make : builds an option by its number
    """

    def __init__(self, facts: Sequence[tuple[int, int, int]], make: Callable[[int], Option]) -> None:
        columns: Array = np.array(facts).T
        self.cycles, self._multipliers, self._weights = columns
        self._fewest: Array = np.minimum.accumulate(self._multipliers)
        self._make = make
        self._made: dict[int, Option] = {}
        self._varied: dict[tuple[Option, Callable[[Option], list[Option]]], list[Option]] = {}
        self._choices: dict[Hashable, Choices] = {}

    @classmethod
    def of_options(cls, options: Sequence[Option]) -> "Front":
        """Of options that are all worth a look."""
        ordered = sorted(options, key=lambda option: option.cycles)
        return cls([(o.cycles, 0, 0) for o in ordered], ordered.__getitem__)

    @classmethod
    def of_foldings(cls, task: Task, foldings: Sequence[Sized], arithmetic: Arithmetic) -> "Front":
        def make(n: int) -> Option:
            return Candidate(task, foldings[n].folding, arithmetic, exact=False)

        return cls([(f.cycles, f.multipliers, f.weight) for f in foldings], make)

    @classmethod
    def of_streamed(
        cls, task: Task, foldings: Sequence[Sized], arithmetic: Arithmetic, streaming: Streaming
    ) -> "Front":
        """The same with weights from external memory, which bounds all of them alike."""
        found = sparing(task, foldings)

        def make(n: int) -> Option:
            folding = replace(found[n].folding, stream=streaming.batch)
            option = Candidate(task, folding, arithmetic, exact=False)
            option.floor = streaming.cycles
            return option

        return cls([(max(f.cycles, streaming.cycles), f.multipliers, f.weight) for f in found], make)

    @cached_property
    def candidates(self) -> Sequence[Option]:
        """All of them, the fastest first."""
        return [self._option(n) for n in range(len(self.cycles))]

    def fewest(self, interval: float) -> int:
        """The fewest multipliers that keep to `interval`; those of the fastest folding where none does."""
        count = int(np.searchsorted(self.cycles, interval, side="right"))
        return int(self._fewest[max(count - 1, 0)])

    def choices(self, interval: float, elsewhere: bool = False) -> Choices | None:
        """What keeps to `interval` with about the fewest multipliers; None if nothing does.

        `elsewhere` says whether weights may lie in other kinds of memories than what is usual for their number.
        """
        near = self._near(interval)
        key = *near, elsewhere
        if key not in self._choices:
            self._choices[key] = self._choose([self._option(n) for n in near], elsewhere)
        found = self._choices[key]
        return found if found.options else None

    def leanest(self, interval: float) -> Option | None:
        """The slowest one that keeps to `interval` with the fewest multipliers; None if none does."""
        count = int(np.searchsorted(self.cycles, interval, side="right"))
        return self._option(int(_least(self._multipliers[:count], 1)[0])) if count else None

    def speeds(self, interval: float) -> list[tuple[int, int]]:
        """Cycles and multipliers where a layer is as fast as `interval` or faster: the corners of their convex hull.

        A layer without multipliers has lanes, which go with its speed.
        """
        corners: list[tuple[int, int]] = []
        count = int(np.searchsorted(self.cycles, interval, side="right"))
        size = self._fewest if self._fewest[0] else self.cycles[-1] // self.cycles
        for point in zip(self.cycles[:count].tolist(), size[:count].tolist(), strict=True):
            while len(corners) > 1 and _above(corners[-1], corners[-2], point):
                corners.pop()
            corners.append(point)
        return corners

    def _near(self, interval: float) -> list[int]:
        count = int(np.searchsorted(self.cycles, interval, side="right"))
        if not count:
            return []
        fewest = int(self._fewest[count - 1])
        near = np.flatnonzero(self._multipliers[:count] <= max(WASTE * fewest, fewest + _FEW))
        kept = {int(n) for facts in (self._weights, self._multipliers) for n in near[_least(facts[near], _NEAR)]}
        return sorted(kept)

    def _choose(self, options: Sequence[Option], elsewhere: bool) -> Choices:
        found = Choices.of([v for option in options for v in self._variants(option, _serial)]).worthwhile()
        found = Choices.of([v for option in found.options for v in self._variants(option, _dual)]).worthwhile()
        if not elsewhere:
            return found
        return Choices.of([v for option in found.options for v in self._variants(option, _stored)]).worthwhile()

    def _variants(self, option: Option, of: Callable[[Option], list[Option]]) -> list[Option]:
        if (option, of) not in self._varied:
            self._varied[option, of] = [option, *of(option)]
        return self._varied[option, of]

    def _option(self, n: int) -> Option:
        if n not in self._made:
            self._made[n] = self._make(n)
        return self._made[n]

    def faster(self, than: int, prices: Vector) -> list[Option]:
        """Those that no other one beats in both cycles and price and that are faster than `than`, the slowest first."""
        found: list[Option] = []
        best = None
        for candidate, price in self._priced(prices):
            if candidate.cycles >= than:
                break
            if best is None or price < best:
                best = price
                found.append(candidate)
        return found[::-1]

    def wider(self, than: Option, interval: float, prices: Vector) -> list[Option]:
        """The cheapest ones in fewer passes, which wait less for the last input; the most passes first."""
        found: dict[int, tuple[int, Option]] = {}
        for candidate, price in self._priced(prices):
            passes = candidate.passes
            if (
                candidate.cycles <= interval
                and passes < than.passes
                and (passes not in found or price < found[passes][0])
            ):
                found[passes] = price, candidate
        return [found[passes][1] for passes in sorted(found, reverse=True)]

    def _priced(self, prices: Vector) -> Iterator[tuple[Option, int]]:
        return zip(self.candidates, (self._amounts @ np.array(prices, dtype=np.int64)).tolist(), strict=True)

    @cached_property
    def _amounts(self) -> Array:
        return Choices.of(self.candidates).amounts


def _above(middle: tuple[int, int], left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Whether a point is not below the line through two others."""
    return (middle[1] - left[1]) * (right[0] - left[0]) >= (right[1] - left[1]) * (middle[0] - left[0])


def _least(values: Array, count: int) -> Array:
    """Where the least values are; the last ones of equals, which are the slowest."""
    order = np.lexsort((-np.arange(len(values)), values))
    return order[:count]


def _serial(option: Option) -> list[Option]:
    found = option.serially()
    return [] if found is None else [found]


def _dual(option: Option) -> list[Option]:
    found = option.dually()
    return [] if found is None else [found]


def _stored(option: Option) -> list[Option]:
    return list(option.elsewhere())


def fronts_of(
    tasks: Sequence[Task],
    arithmetic: Arithmetic,
    progress: Callable[[str], None] = lambda name: None,
    streaming: Streaming = NO_STREAMING,
) -> list[Front]:
    """The foldings of every task that are worth a look."""
    fronts = []
    known: dict[Hashable, list[Sized]] = {}
    for task in tasks:
        progress(task.name)
        if task.is_kernel:
            key = alike(task)
            if key not in known:
                known[key] = lean(task)
            if task.name in streaming.layers:
                fronts.append(Front.of_streamed(task, known[key], arithmetic, streaming))
            else:
                fronts.append(Front.of_foldings(task, known[key], arithmetic))
        else:
            fronts.append(Front.of_options(options_of(task, arithmetic)))
    return fronts
