"""Less latency for what is left of the budget."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rtlnn.plan.amounts import cost_of, vector
from rtlnn.plan.costs import Costs
from rtlnn.plan.front import Front
from rtlnn.plan.goal import Budget, prices_of
from rtlnn.plan.option import Option

__all__ = ["Latency", "quicken"]

Latency: TypeAlias = Callable[[Sequence[Option]], int]


def quicken(
    chosen: list[Option], fronts: Sequence[Front], budget: Budget, costs: Costs, latency: Latency, enough: int = 0
) -> list[Option]:
    """Spend the rest of the budget, step by step where a cycle of latency is cheapest, until there is `enough`."""
    now, prices = latency(chosen), prices_of(budget)
    while now > enough:
        best: tuple[float, int, list[Option]] | None = None
        before = cost_of(vector(costs.total(chosen)), prices)
        for n, front in enumerate(fronts):
            moves = front.faster(chosen[n].cycles, prices)[:3]
            fewer = front.wider(chosen[n], max(c.cycles for c in chosen), prices)
            moves += [*fewer[:1], *fewer[-1:]]
            moves += [found for c in moves if (found := c.serially()) is not None]
            for candidate in [*moves, *chosen[n].sooner()]:
                trial = [*chosen[:n], candidate, *chosen[n + 1 :]]
                used = costs.total(trial)
                if not budget.fits(used):
                    continue
                gain = now - latency(trial)
                price = max(cost_of(vector(used), prices) - before, 1)
                if gain > 0 and (best is None or gain / price > best[0]):
                    best = gain / price, now - gain, trial
        if best is None:
            break
        _, now, chosen = best
    return chosen
