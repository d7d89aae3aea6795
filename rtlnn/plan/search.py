"""The choice of foldings: enumeration for every layer, then the interval that the whole design can afford."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import lean
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.option import Option
from rtlnn.plan.simple import options_of
from rtlnn.plan.tasks import Task

__all__ = ["Front", "choose", "fronts_of"]

Cost: TypeAlias = Callable[[Sequence[Option]], Resources]
"""What layers cost together, width converters included."""
Latency: TypeAlias = Callable[[Sequence[Option]], int]

_NAMES = ("lut", "ff", "dsp", "bram36", "uram")
_BRAM = _NAMES.index("bram36")
_RAISES = 40
_RAISE = 1.25
"""How often, and by how much, the price of what is exceeded is raised before a target counts as out of reach."""
_TRIED = 8
"""Foldings of a layer that are tried in the whole design, the cheapest ones by themselves."""


@dataclass(frozen=True, eq=False)
class Front:
    """The foldings of one task, the fastest first: `cycles` [n], `costs` [n, resources]."""

    candidates: Sequence[Option]
    cycles: Array
    costs: Array

    @classmethod
    def of(cls, candidates: Sequence[Option]) -> "Front":
        ordered = sorted(candidates, key=lambda c: c.cycles)
        return cls(ordered, np.array([c.cycles for c in ordered]), np.array([_vector(c.resources) for c in ordered]))

    @cached_property
    def elsewhere(self) -> "Front":
        """All of them, and the same with their weights in other kinds of memories."""
        return Front.of([*self.candidates, *(found for c in self.candidates for found in c.elsewhere())])

    def cheapest(self, interval: float, prices: Array) -> list[Option]:
        """Those that keep to `interval`, the cheapest first."""
        count = int(np.searchsorted(self.cycles, interval, side="right"))
        order = np.argsort(self.costs[:count] @ prices, kind="stable")
        return [self.candidates[n] for n in order[:_TRIED]]

    def faster(self, than: int, prices: Array) -> list[Option]:
        """Those that no other one beats in both cycles and price and that are faster than `than`, the slowest first."""
        found: list[Option] = []
        best = float("inf")
        for candidate, price in zip(self.candidates, self.costs @ prices, strict=True):
            if candidate.cycles >= than:
                break
            if price < best:
                best = price
                found.append(candidate)
        return found[::-1]

    def wider(self, than: Option, interval: float, prices: Array) -> list[Option]:
        """The cheapest ones in fewer passes, which wait less for the last input; the most passes first."""
        found: dict[int, tuple[float, Option]] = {}
        for candidate, price in zip(self.candidates, self.costs @ prices, strict=True):
            passes = candidate.passes
            if candidate.cycles <= interval and passes < than.passes:
                found[passes] = min(
                    found.get(passes, (float("inf"), candidate)), (price, candidate), key=lambda f: f[0]
                )
        return [found[passes][1] for passes in sorted(found, reverse=True)]


def fronts_of(
    tasks: Sequence[Task], arithmetic: Arithmetic, progress: Callable[[str], None] = lambda name: None
) -> list[Front]:
    """The foldings of every task that are worth a look."""
    fronts = []
    for task in tasks:
        progress(task.name)
        if task.is_kernel:
            found: Sequence[Option] = [Candidate(task, folding, arithmetic, exact=False) for folding in lean(task)]
        else:
            found = options_of(task, arithmetic)
        fronts.append(Front.of(found))
    return fronts


def choose(fronts: Sequence[Front], goal: Goal, budget: Budget, cost: Cost, latency: Latency) -> list[Option]:
    """One folding for every task.

    Raises `InputError` if not even the smallest design fits, or the target cannot be reached within the budget.
    """
    smallest = _within(fronts, float("inf"), budget, cost)
    if smallest is None:
        least = _priced(fronts, float("inf"), _prices(budget))
        raise InputError(
            f"the network is larger than allowed: the smallest folding takes {_list(budget, cost(least or []))}; "
            "choose a larger platform, or raise the budget (--max-dsp, --max-lut, --max-bram)"
        )
    if goal.interval is not None:
        chosen = _within(fronts, goal.interval, budget, cost)
        if chosen is None:
            reach = max(c.cycles for c in _fastest(fronts, budget, cost))
            least = _priced(fronts, goal.interval, _prices(budget))
            why = f": it would take {_list(budget, cost(least))}" if least else ""
            raise InputError(
                f"an interval of {goal.interval:,} cycles cannot be reached{why}; the best within the budget is "
                f"{reach:,} cycles"
            )
    elif goal.objective is Objective.AREA:
        chosen = smallest
    else:
        chosen = _fastest(fronts, budget, cost)
    if goal.objective is Objective.LATENCY:
        chosen = _quicken(chosen, fronts, budget, cost, latency)
    return chosen


def _vector(resources: Resources) -> Array:
    return np.array([getattr(resources, name) for name in _NAMES], dtype=float)


def _prices(budget: Budget) -> Array:
    """What a unit of each resource is worth: the whole budget of any is worth the same."""
    return np.array([1 / max(getattr(budget, name), 1e-9) for name in _NAMES])


def _list(budget: Budget, used: Resources) -> str:
    return ", ".join(budget.shortfalls(used))


def _priced(fronts: Sequence[Front], interval: float, prices: Array) -> list[Option] | None:
    """The cheapest folding of every task that keeps to `interval`; None if one cannot."""
    options = [front.cheapest(interval, prices) for front in fronts]
    return [found[0] for found in options] if all(options) else None


def _within(fronts: Sequence[Front], interval: float, budget: Budget, cost: Cost) -> list[Option] | None:
    """The cheapest design that keeps to `interval` and to the budget; None if none is found.

    Each layer takes what is cheapest for it; the price of what is exceeded rises until all fits (Lagrange multipliers:
    Everett, "Generalized Lagrange multiplier method", 1963). Then layer by layer is tried in the whole design, for the
    width converters between them.
    """
    prices = _prices(budget)
    allowed = np.array([getattr(budget, name) for name in _NAMES])
    # weights lie elsewhere only where block RAM is short: more of it would be used if it cost nothing
    careless = _priced(fronts, interval, np.where(np.arange(len(_NAMES)) == _BRAM, 0, prices))
    short = careless is not None and cost(careless).bram36 > budget.bram36
    for _ in range(_RAISES):
        if short:
            fronts = [front.elsewhere for front in fronts]
        chosen = _priced(fronts, interval, prices)
        if chosen is None:
            return None
        chosen = _settled(chosen, fronts, interval, prices, cost)
        exceeded = _vector(cost(chosen)) > allowed
        if not exceeded.any():
            return chosen
        prices = np.where(exceeded, prices * _RAISE, prices)
        short = bool(exceeded[_BRAM])
    return None


def _settled(chosen: list[Option], fronts: Sequence[Front], interval: float, prices: Array, cost: Cost) -> list[Option]:
    """Improve the design, layer by layer, until no other folding of a single one makes it cheaper."""
    best = float(_vector(cost(chosen)) @ prices)
    improved = True
    while improved:
        improved = False
        for n, front in enumerate(fronts):
            cheapest = front.cheapest(interval, prices)
            varied = (found for c in (chosen[n], cheapest[0]) for found in (c.serially(), c.dually()))
            for candidate in [*cheapest, *(c for c in varied if c is not None)]:
                trial = [*chosen[:n], candidate, *chosen[n + 1 :]]
                price = float(_vector(cost(trial)) @ prices)
                if price < best * (1 - 1e-9):
                    best, chosen, improved = price, trial, True
    return chosen


def _fastest(fronts: Sequence[Front], budget: Budget, cost: Cost) -> list[Option]:
    """The cheapest design with the shortest interval that the budget allows. The smallest design must fit."""
    floor = max(int(front.cycles[0]) for front in fronts)
    intervals = sorted({max(int(n), floor) for front in fronts for n in front.cycles})
    low, high = 0, len(intervals) - 1
    best: list[Option] | None = None
    while low <= high:
        middle = (low + high) // 2
        chosen = _within(fronts, intervals[middle], budget, cost)
        if chosen is not None:
            best, high = chosen, middle - 1
        else:
            low = middle + 1
    assert best is not None, "the slowest interval is the smallest design"
    return best


def _quicken(
    chosen: list[Option], fronts: Sequence[Front], budget: Budget, cost: Cost, latency: Latency
) -> list[Option]:
    """Spend the rest of the budget, step by step where a cycle of latency is cheapest."""
    now = latency(chosen)
    prices = _prices(budget)
    while True:
        best: tuple[float, int, list[Option]] | None = None
        before = float(_vector(cost(chosen)) @ prices)
        for n, front in enumerate(fronts):
            moves = front.faster(chosen[n].cycles, prices)[:3]
            fewer = front.wider(chosen[n], max(c.cycles for c in chosen), prices)
            moves += [*fewer[:1], *fewer[-1:]]
            moves += [found for c in moves if (found := c.serially()) is not None]
            for candidate in [*moves, *chosen[n].sooner()]:
                trial = [*chosen[:n], candidate, *chosen[n + 1 :]]
                used = cost(trial)
                if not budget.fits(used):
                    continue
                gain = now - latency(trial)
                price = max(float(_vector(used) @ prices) - before, 1e-9)
                if gain > 0 and (best is None or gain / price > best[0]):
                    best = gain / price, now - gain, trial
        if best is None:
            return chosen
        _, now, chosen = best
