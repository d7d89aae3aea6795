"""The choice of foldings: the shortest interval that the whole design can afford, or the smallest design for one."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import inf

from rtlnn.errors import InputError
from rtlnn.plan.amounts import NAMES, Vector, cost_of, minus, plus, vector
from rtlnn.plan.costs import Costs
from rtlnn.plan.exact import solve
from rtlnn.plan.front import Choices, Front
from rtlnn.plan.goal import Budget, Goal, Objective, allowed_of, prices_of
from rtlnn.plan.option import Option

__all__ = ["Chosen", "Margin", "choose"]

_BRAM = NAMES.index("bram36")
_RAISES = 40
"""How often the price of what is exceeded is raised, by a quarter, before a target counts as out of reach."""
_TRIED = 16
"""Options of a layer that are tried in the whole design, the cheapest ones by themselves."""
_EFFORT = 5.0
"""Of the solver, for one interval: seconds of its deterministic time."""
_LARGER = (5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 500, 1000)
"""Percent that are tried."""
_PACKED = 2
"""Products a slice, as a first guess."""


@dataclass(frozen=True)
class Margin:
    """How far a design may be from the best one of the foldings that were looked at.

    Parameters
    ----------
    interval : no design within the budget has a shorter one; None where another one was asked for
    excess : by how much at most, as a part, it takes more than the smallest that reaches its interval; the whole budget
        of any resource counts the same. None where the solver found no bound
    paced : whether that is the smallest with layers as fast as a latency asks for
    """

    interval: int | None
    excess: float | None
    paced: bool = False


@dataclass(frozen=True)
class Chosen:
    """One option for every task."""

    options: list[Option]
    margin: Margin


def choose(
    fronts: Sequence[Front],
    goal: Goal,
    budget: Budget,
    costs: Costs,
    largest: Vector | None = None,
    paces: Sequence[float] | None = None,
) -> Chosen:
    """One option for every task, none of which takes more than `largest`, nor more cycles than its `paces` say.

    The cheapest for the goal's interval; without one the fastest, or the smallest. Raises `InputError` if not even the
    smallest design fits, or the target cannot be reached within the budget.
    """
    search = _Search(fronts, budget, costs, largest, paces or [inf] * len(fronts))
    if goal.interval is not None:
        chosen = search.best(goal.interval)
        if chosen is None:
            raise InputError(_out_of_reach(search, goal.interval))
        bound = None
    else:
        least = goal.objective is Objective.AREA
        chosen = search.best(float("inf")) if least else search.fastest()
        if chosen is None:
            raise InputError(_too_large(search))
        bound = None if least else search.shortest
    return Chosen(chosen, Margin(bound, search.excess(chosen), paces is not None))


def _out_of_reach(search: "_Search", interval: int) -> str:
    """Why, and what is in reach."""
    best = search.fastest()
    if best is None:
        return _too_large(search)
    least = search.least(interval)
    why = f": it would take {search.exceeded(least)}" if least else ": no folding of a layer is that fast"
    larger = search.larger(interval)
    advice = f"; with all budgets {larger} % larger it would fit" if larger else ""
    return (
        f"an interval of {interval:,} cycles cannot be reached{why}; the best within the budget is "
        f"{max(c.cycles for c in best):,} cycles{advice} (--utilization, --max-dsp, --max-lut, --max-bram)"
    )


def _too_large(search: "_Search") -> str:
    least = search.least(float("inf"))
    if least is None:
        return "a layer is larger than every die of the chip; choose a larger platform (--platform, --utilization)"
    larger = search.larger(float("inf"))
    advice = f"budgets {larger} % larger would do" if larger else "choose a larger platform"
    return (
        f"the network is larger than allowed: the smallest folding takes {search.exceeded(least)}; {advice} "
        "(--platform, --utilization, --max-dsp, --max-lut, --max-bram)"
    )


class _Search:
    def __init__(
        self,
        fronts: Sequence[Front],
        budget: Budget,
        costs: Costs,
        largest: Vector | None,
        paces: Sequence[float],
    ) -> None:
        self._largest, self._paces = largest, paces
        self._impossible, self._shortest, self._asked = 0.0, 0, 0.0
        self._bounds: dict[float, int] = {}
        self._fronts, self._budget, self._costs = fronts, budget, costs
        self._prices = prices_of(budget)
        self._allowed = allowed_of(budget)

    def exceeded(self, options: Sequence[Option]) -> str:
        return ", ".join(self._budget.shortfalls(self._costs.total(options)))

    def least(self, interval: float) -> list[Option] | None:
        """The cheapest option of every task that keeps to `interval`; None if one cannot."""
        choices = self._choices(interval, elsewhere=False)
        return None if choices is None else [found.cheapest(self._prices, 1)[0] for found in choices]

    def best(self, interval: float) -> list[Option] | None:
        """The cheapest design that keeps to `interval` and to the budget that either way finds; None if none does."""
        self._asked = interval
        found = [c for c in (self._raised(interval), self._solved(interval)) if c is not None]
        return min(found, key=self._price, default=None)

    def within(self, interval: float) -> list[Option] | None:
        """As `best`, but the solver is asked only where the quick way finds nothing."""
        found = self._raised(interval)
        return self._solved(interval) if found is None and interval > self._impossible else found

    def _price(self, options: Sequence[Option]) -> int:
        return cost_of(vector(self._costs.total(options)), self._prices)

    def _solved(self, interval: float) -> list[Option] | None:
        """What the solver finds; then width converters are saved, as far as the budget allows.

        Weights lie elsewhere than usual only where nothing else fits.
        """
        for elsewhere in (False, True):
            choices = self._choices(interval, elsewhere)
            if choices is None:
                break
            found = solve(choices, self._prices, self._allowed, _EFFORT)
            self._bounds[interval] = found.bound
            if found.chosen is not None:
                chosen = [c.options[n] for c, n in zip(choices, found.chosen, strict=True)]
                chosen = self._settled(chosen, choices, self._prices, bounded=True)
                if not any(self._exceed(vector(self._costs.total(chosen)))):
                    return chosen
            if found.impossible and elsewhere:
                self._impossible = max(self._impossible, interval)
        return None

    def excess(self, chosen: Sequence[Option]) -> float | None:
        """By how much, as a part, the design may cost more than the cheapest for its interval."""
        bound = self._bounds.get(self._asked, 0)
        return max(self._price(chosen) / bound - 1, 0.0) if bound else None

    @property
    def shortest(self) -> int:
        """No interval below is possible, as far as `fastest` has tried."""
        return self._shortest

    def larger(self, interval: float) -> int | None:
        """Percent by which all budgets would have to be larger; None if that is not to be had."""
        choices = self._choices(interval, elsewhere=True)
        if choices is None:
            return None
        for percent in _LARGER:
            lut, ff, dsp, bram36, uram = (a * (100 + percent) // 100 for a in self._allowed)
            if solve(choices, self._prices, (lut, ff, dsp, bram36, uram), _EFFORT).chosen is not None:
                return percent
        return None

    def _raised(self, interval: float) -> list[Option] | None:
        """What rising prices lead to.

        Each layer takes what is cheapest for it; the price of what is exceeded rises until all fits (Lagrange
        multipliers: Everett, "Generalized Lagrange multiplier method", 1963). Then layer by layer is tried in the
        whole design, for the width converters between them. Where the sum of the cheapest is worth more than the whole
        budget, nothing fits (weak duality).
        """
        prices = self._prices
        # weights lie elsewhere only where block RAM is short: more of it would be used if it cost nothing
        choices = self._choices(interval, elsewhere=False)
        if choices is None:
            self._impossible = max(self._impossible, interval)
            return None
        lut, ff, dsp, _, uram = prices
        drawn = self._costs.total([found.cheapest((lut, ff, dsp, 0, uram), 1)[0] for found in choices])
        elsewhere = drawn.bram36 > self._budget.bram36
        for _ in range(_RAISES):
            choices = self._choices(interval, elsewhere)
            assert choices is not None
            chosen = [found.cheapest(prices, 1)[0] for found in choices]
            alone = reduce(plus, (option.vector for option in chosen))
            if cost_of(alone, prices) > cost_of(self._allowed, prices):
                if elsewhere:
                    self._impossible = max(self._impossible, interval)
                    return None
                elsewhere = True
                continue
            exceeded = self._exceed(alone)
            if not any(exceeded):
                chosen = self._settled(chosen, choices, prices)
                exceeded = self._exceed(vector(self._costs.total(chosen)))
                if not any(exceeded):
                    return chosen
            lut, ff, dsp, bram36, uram = (p + p // 4 if e else p for p, e in zip(prices, exceeded, strict=True))
            prices = lut, ff, dsp, bram36, uram
            elsewhere |= exceeded[_BRAM]
        return None

    def _exceed(self, used: Sequence[int]) -> list[bool]:
        return [u > a for u, a in zip(used, self._allowed, strict=True)]

    def _choices(self, interval: float, elsewhere: bool) -> list[Choices] | None:
        found = []
        for front, pace in zip(self._fronts, self._paces, strict=True):
            most = min(interval, pace)
            # what fits nowhere with its usual memories has others in any case
            choices = self._allowed_of(front, most, elsewhere) or self._allowed_of(front, most, True)
            if choices is None:
                return None
            found.append(choices)
        return found

    def _allowed_of(self, front: Front, interval: float, elsewhere: bool) -> Choices | None:
        found = front.choices(interval, elsewhere)
        return found and (found.within(self._largest) if self._largest else found)

    def _settled(
        self, chosen: list[Option], choices: Sequence[Choices], prices: Vector, bounded: bool = False
    ) -> list[Option]:
        """Improve the design, layer by layer, until no other option of a single one makes it cheaper.

        `bounded` says that nothing may come to exceed the budget.
        """
        tried = [found.cheapest(prices, _TRIED) for found in choices]
        used = vector(self._costs.total(chosen))
        improved = True
        while improved:
            improved = False
            for n, options in enumerate(tried):
                here = self._costs.around(n, chosen)
                for option in options:
                    trial = [*chosen[:n], option, *chosen[n + 1 :]]
                    there = self._costs.around(n, trial)
                    after = plus(minus(used, here), there)
                    worse = bounded and any(
                        a > max(u, most) for a, u, most in zip(after, used, self._allowed, strict=True)
                    )
                    if not worse and cost_of(there, prices) < cost_of(here, prices):
                        here, used, chosen, improved = there, after, trial, True
        return chosen

    def fastest(self) -> list[Option] | None:
        """The cheapest design with the shortest interval that the budget allows; None if nothing fits."""
        floor = max(int(front.cycles[0]) for front in self._fronts)
        intervals = sorted({max(int(n), floor) for front in self._fronts for n in front.cycles})
        low, high = 0, len(intervals) - 1
        best: list[Option] | None = None
        # in steps that double, from where the multipliers might fit, until the shortest one lies between two
        at, step = self._guess(intervals), 1
        while low <= high:
            chosen = self.within(intervals[at])
            if chosen is not None:
                best, high = chosen, bisect_left(intervals, max(c.cycles for c in chosen)) - 1
            else:
                low = at + 1
            if best is not None and low > 0:
                at = (low + high) // 2
            else:
                at, step = (max(high - step, low) if chosen else min(low + step, high)), 2 * step
        if best is None:
            return None
        self._shortest = intervals[bisect_right(intervals, self._impossible)]
        self._asked = max(c.cycles for c in best)
        return self.best(self._asked) or best

    def _guess(self, intervals: Sequence[int]) -> int:
        """The first interval of which the multipliers might fit, two to a slice."""
        most = _PACKED * self._budget.dsp
        return min(
            bisect_left(intervals, True, key=lambda n: sum(front.fewest(n) for front in self._fronts) <= most),
            len(intervals) - 1,
        )
