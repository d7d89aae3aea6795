"""Shorter chains of slices: fewer cycles of latency for more adders."""

from collections.abc import Callable, Sequence

from rtlnn.layers.component import Resources
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.goal import Budget
from rtlnn.plan.option import Option

__all__ = ["shorten_chains"]


def shorten_chains(
    options: Sequence[Option], budget: Budget, cost: Callable[[Sequence[Option]], Resources]
) -> list[Option]:
    """Halve chains, one kernel at a time where a cycle is cheapest, as long as that saves any and fits `budget`.

    A chain of n slices takes n cycles; two of half the length take one more for the adder that joins them.
    """
    chosen = list(options)
    trials = [_shorter(option) for option in chosen]
    while True:
        order = sorted(
            (n for n, trial in enumerate(trials) if trial is not None),
            key=lambda n: _price(chosen[n], trials[n], budget),
        )
        for n in order:
            trial = trials[n]
            assert trial is not None
            changed = [*chosen[:n], trial, *chosen[n + 1 :]]
            if budget.fits(cost(changed)):
                chosen, trials[n] = changed, _shorter(trial)
                break
            trials[n] = None
        else:
            return chosen


def _shorter(kernel: Option) -> Candidate | None:
    """The kernel with chains of half the length; None if that saves no cycle."""
    if not isinstance(kernel, Candidate):
        return None
    array = kernel.kernel.array
    if not isinstance(array, PackedMacConfig) or array.chains.depth == 1:
        return None
    trial = kernel.with_chain(-(-array.chains.depth // 2))
    return trial if trial.kernel.latency < kernel.kernel.latency else None


def _price(kernel: Option, shorter: Candidate | None, budget: Budget) -> float:
    """Share of the budget that a cycle takes."""
    assert isinstance(kernel, Candidate)
    assert shorter is not None
    more = budget.share(shorter.resources) - budget.share(kernel.resources)
    return more / (kernel.kernel.latency - shorter.kernel.latency)
