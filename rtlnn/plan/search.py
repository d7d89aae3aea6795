"""The choice of foldings: the shortest interval that the whole design can afford, or the smallest design for one."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TypeAlias

from rtlnn.errors import InputError
from rtlnn.plan.amounts import NAMES, SCALES, Vector, cost_of, plus, vector
from rtlnn.plan.costs import Costs
from rtlnn.plan.front import Choices, Front
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.option import Option

__all__ = ["choose"]

Latency: TypeAlias = Callable[[Sequence[Option]], int]

_BRAM = NAMES.index("bram36")
_RAISES = 40
"""How often the price of what is exceeded is raised, by a quarter, before a target counts as out of reach."""
_TRIED = 16
"""Options of a layer that are tried in the whole design, the cheapest ones by themselves."""
_PACKED = 2
"""Products a slice, as a first guess."""
_WHOLE = 1 << 32
"""The price of the whole budget of any resource."""


def choose(fronts: Sequence[Front], goal: Goal, budget: Budget, costs: Costs, latency: Latency) -> list[Option]:
    """One option for every task.

    Raises `InputError` if not even the smallest design fits, or the target cannot be reached within the budget.
    """
    search = _Search(fronts, budget, costs)
    if goal.interval is not None:
        chosen = search.within(goal.interval)
        if chosen is None:
            raise InputError(_out_of_reach(search, goal.interval))
    else:
        chosen = search.within(float("inf")) if goal.objective is Objective.AREA else search.fastest()
        if chosen is None:
            raise InputError(_too_large(search))
    if goal.objective is Objective.LATENCY:
        chosen = search.quicken(chosen, latency)
    return chosen


def _out_of_reach(search: "_Search", interval: int) -> str:
    """Why, and what is in reach."""
    best = search.fastest()
    if best is None:
        return _too_large(search)
    least = search.least(interval)
    why = f": it would take {search.exceeded(least)}" if least else ""
    return (
        f"an interval of {interval:,} cycles cannot be reached{why}; the best within the budget is "
        f"{max(c.cycles for c in best):,} cycles"
    )


def _too_large(search: "_Search") -> str:
    least = search.least(float("inf"))
    assert least is not None, "every layer can be built"
    return (
        f"the network is larger than allowed: the smallest folding takes {search.exceeded(least)}; "
        "choose a larger platform, or raise the budget (--max-dsp, --max-lut, --max-bram)"
    )


def prices_of(budget: Budget) -> Vector:
    """What a unit of each resource is worth: the whole budget of any is worth the same.

    Where nothing is allowed, a unit is worth as much as the whole of another.
    """
    lut, ff, dsp, bram36, uram = (
        round(_WHOLE / max(getattr(budget, name) * scale, 1)) for name, scale in zip(NAMES, SCALES, strict=True)
    )
    return lut, ff, dsp, bram36, uram


def allowed_of(budget: Budget) -> Vector:
    """The budget in whole numbers."""
    lut, ff, dsp, bram36, uram = (int(getattr(budget, name) * scale) for name, scale in zip(NAMES, SCALES, strict=True))
    return lut, ff, dsp, bram36, uram


class _Search:
    def __init__(self, fronts: Sequence[Front], budget: Budget, costs: Costs) -> None:
        self._fronts, self._budget, self._costs = fronts, budget, costs
        self._prices = prices_of(budget)
        self._allowed = allowed_of(budget)

    def exceeded(self, options: Sequence[Option]) -> str:
        return ", ".join(self._budget.shortfalls(self._costs.total(options)))

    def least(self, interval: float) -> list[Option] | None:
        """The cheapest option of every task that keeps to `interval`; None if one cannot."""
        choices = self._choices(interval, elsewhere=False)
        return None if choices is None else [found.cheapest(self._prices, 1)[0] for found in choices]

    def within(self, interval: float) -> list[Option] | None:
        """The cheapest design that keeps to `interval` and to the budget; None if none is found.

        Each layer takes what is cheapest for it; the price of what is exceeded rises until all fits (Lagrange
        multipliers: Everett, "Generalized Lagrange multiplier method", 1963). Then layer by layer is tried in the
        whole design, for the width converters between them. Where the sum of the cheapest is worth more than the whole
        budget, nothing fits (weak duality).
        """
        prices = self._prices
        # weights lie elsewhere only where block RAM is short: more of it would be used if it cost nothing
        choices = self._choices(interval, elsewhere=False)
        if choices is None:
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
        found = [front.choices(interval, elsewhere) for front in self._fronts]
        return None if None in found else [f for f in found if f is not None]

    def _settled(self, chosen: list[Option], choices: Sequence[Choices], prices: Vector) -> list[Option]:
        """Improve the design, layer by layer, until no other option of a single one makes it cheaper."""
        tried = [found.cheapest(prices, _TRIED) for found in choices]
        improved = True
        while improved:
            improved = False
            for n, options in enumerate(tried):
                best = cost_of(self._costs.around(n, chosen), prices)
                for option in options:
                    trial = [*chosen[:n], option, *chosen[n + 1 :]]
                    price = cost_of(self._costs.around(n, trial), prices)
                    if price < best:
                        best, chosen, improved = price, trial, True
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
        return best

    def _guess(self, intervals: Sequence[int]) -> int:
        """The first interval of which the multipliers might fit, two to a slice."""
        most = _PACKED * self._budget.dsp
        return min(
            bisect_left(intervals, True, key=lambda n: sum(front.fewest(n) for front in self._fronts) <= most),
            len(intervals) - 1,
        )

    def quicken(self, chosen: list[Option], latency: Latency) -> list[Option]:
        """Spend the rest of the budget, step by step where a cycle of latency is cheapest."""
        now, prices = latency(chosen), self._prices
        while True:
            best: tuple[float, int, list[Option]] | None = None
            before = cost_of(vector(self._costs.total(chosen)), prices)
            for n, front in enumerate(self._fronts):
                moves = front.faster(chosen[n].cycles, prices)[:3]
                fewer = front.wider(chosen[n], max(c.cycles for c in chosen), prices)
                moves += [*fewer[:1], *fewer[-1:]]
                moves += [found for c in moves if (found := c.serially()) is not None]
                for candidate in [*moves, *chosen[n].sooner()]:
                    trial = [*chosen[:n], candidate, *chosen[n + 1 :]]
                    used = self._costs.total(trial)
                    if not self._budget.fits(used):
                        continue
                    gain = now - latency(trial)
                    price = max(cost_of(vector(used), prices) - before, 1)
                    if gain > 0 and (best is None or gain / price > best[0]):
                        best = gain / price, now - gain, trial
            if best is None:
                return chosen
            _, now, chosen = best
