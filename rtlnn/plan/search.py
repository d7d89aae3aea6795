"""The choice of foldings: enumeration for every kernel, then the interval that the whole chain can afford."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rtlnn.errors import InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.plan.folding import Candidate, candidates
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.tasks import Task

__all__ = ["Fronts", "choose", "fronts_of"]

Cost = Callable[[Sequence[Candidate]], Resources]
"""What a chain of kernels costs, width converters included."""
Latency = Callable[[Sequence[Candidate]], int]


Fronts: TypeAlias = Sequence[Sequence[Candidate]]
"""For every task the foldings worth a look, the fastest first."""


def fronts_of(
    tasks: Sequence[Task],
    arithmetic: Arithmetic,
    budget: Budget,
    progress: Callable[[str], None] = lambda name: None,
) -> Fronts:
    """The foldings of every task that no other one beats in both cycles and cost."""
    fronts = []
    for task in tasks:
        progress(task.name)
        fronts.append(_front(task, arithmetic, budget))
    return fronts


def choose(fronts: Fronts, goal: Goal, budget: Budget, cost: Cost, latency: Latency) -> list[Candidate]:
    """One folding for every task.

    Raises `InputError` if not even the smallest design fits, or the target cannot be reached within the budget.
    """
    smallest = [front[-1] for front in fronts]
    if not budget.fits(cost(smallest)):
        raise InputError(
            f"the network is larger than allowed: the smallest folding takes {_list(budget, cost(smallest))}; choose a "
            "larger platform, or raise the budget (--max-dsp, --max-lut, --max-bram)"
        )
    if goal.interval is not None:
        chosen = _within(fronts, goal.interval)
        if chosen is None or not budget.fits(cost(chosen)):
            best = _fastest(fronts, budget, cost)
            reach = max(c.cycles for c in best)
            why = f": it would take {_list(budget, cost(chosen))}" if chosen else ""
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


def _list(budget: Budget, used: Resources) -> str:
    return ", ".join(budget.shortfalls(used))


def _front(task: Task, arithmetic: Arithmetic, budget: Budget) -> list[Candidate]:
    """The foldings that no other one beats in both cycles and cost, the fastest first."""
    every = [Candidate(task, folding, arithmetic, exact=False) for folding in candidates(task)]
    every.sort(key=lambda c: (c.cycles, budget.share(c.resources)))
    front: list[Candidate] = []
    for candidate in every:
        # a slower folding is only of use if it is cheaper than all faster ones
        if not front or budget.share(candidate.resources) < budget.share(front[-1].resources):
            front.append(candidate)
    return front


def _within(fronts: Fronts, interval: int) -> list[Candidate] | None:
    """The cheapest folding of every task that keeps to `interval`; None if one cannot."""
    chosen = []
    for front in fronts:
        fast = [c for c in front if c.cycles <= interval]
        if not fast:
            return None
        chosen.append(fast[-1])
    return chosen


def _fastest(fronts: Fronts, budget: Budget, cost: Cost) -> list[Candidate]:
    """The cheapest chain with the shortest interval that the budget allows. The smallest design must fit."""
    floor = max(front[0].cycles for front in fronts)
    intervals = sorted({max(c.cycles, floor) for front in fronts for c in front})
    low, high = 0, len(intervals) - 1
    best = [front[-1] for front in fronts]
    while low <= high:
        middle = (low + high) // 2
        chosen = _within(fronts, intervals[middle])
        if chosen is not None and budget.fits(cost(chosen)):
            best, high = chosen, middle - 1
        else:
            low = middle + 1
    return best


def _quicken(
    chosen: list[Candidate],
    fronts: Fronts,
    budget: Budget,
    cost: Cost,
    latency: Latency,
) -> list[Candidate]:
    """Spend the rest of the budget, step by step where a cycle of latency is cheapest."""
    now = latency(chosen)
    while True:
        best: tuple[float, int, list[Candidate]] | None = None
        for n, front in enumerate(fronts):
            faster = [c for c in front if c.cycles < chosen[n].cycles]
            for candidate in faster[-2:]:
                trial = [*chosen[:n], candidate, *chosen[n + 1 :]]
                used = cost(trial)
                if not budget.fits(used):
                    continue
                gain = now - latency(trial)
                price = max(budget.share(used) - budget.share(cost(chosen)), 1e-9)
                if gain > 0 and (best is None or gain / price > best[0]):
                    best = gain / price, now - gain, trial
        if best is None:
            return chosen
        _, now, chosen = best
