"""The least of many choices, where a smaller one never makes anything better."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rtlnn.layers.circuit import Circuit

__all__ = ["least_choices", "trials_for"]

T = TypeVar("T")
_FEW = 2
_BEATS = 50_000_000
"""Schedules of a large network, and beats a frame of those of a smaller one, which take some ten seconds."""


def trials_for(circuit: Circuit) -> int:
    """How many schedules of a circuit may be made to save memory."""
    return max(_BEATS // sum(circuit.format(tap).beats for tap in circuit.taps), _FEW)


def least_choices(
    choices: Sequence[Sequence[T]],
    enough: Callable[[Sequence[T]], bool],
    guesses: Sequence[int],
    trials: int,
) -> list[T]:
    """For each thing its least choice that is enough, one thing after the other, all later ones at their last choice.

    Whatever is enough must be so with larger choices, too. Then a single trial settles all things of which the guesses
    are right and are the first choice; of each other one it takes some trials to find which it is, and what it needs.

    Parameters
    ----------
    choices : of each thing, the smallest first; the last ones together must be enough
    enough : says whether a choice for each thing is enough; takes long
    guesses : which one it probably is of each thing
    trials : how often `enough` may be asked; what is not settled then stays as it was when it was enough. Where that is
        less than once for each guess, good guesses stay as they are, too
    """
    return _Search(choices, enough, guesses, trials).run()


@dataclass
class _Search(Generic[T]):
    choices: Sequence[Sequence[T]]
    enough: Callable[[Sequence[T]], bool]
    guesses: Sequence[int]
    trials: int
    proves: bool = True

    def run(self) -> list[T]:
        settled = [len(c) - 1 for c in self.choices]
        rest = [n for n, last in enumerate(settled) if last]
        # the next smaller choice than a good guess nearly always fails: that is tried only if all can be
        self.proves = self.trials > sum(self.guesses[n] > 0 for n in rest)
        while rest:
            good = self._good(settled, rest)
            done = self._settle(settled, rest[:good])
            if done == good < len(rest):
                # the guess of the next one is not enough
                n = rest[done]
                settled[n] = self._least(settled, n, self.guesses[n] + 1)
                done += 1
            rest = rest[done:]
        return [c[n] for c, n in zip(self.choices, settled, strict=True)]

    def _good(self, settled: Sequence[int], rest: Sequence[int]) -> int:
        """The most things, from the first one on, of which the guesses are enough."""
        good, bad, tried = 0, len(rest) + 1, len(rest)
        while bad - good > 1:
            if self._try(settled, {n: self.guesses[n] for n in rest[:tried]}):
                good = tried
            else:
                bad = tried
            tried = (good + bad) // 2
        return good

    def _settle(self, settled: list[int], things: Sequence[int]) -> int:
        """Settle things of which the guesses together are enough; returns how many of them."""
        for n in things:
            settled[n] = self.guesses[n]
        for count, n in enumerate(things):
            others = {k: len(self.choices[k]) - 1 for k in things[count + 1 :]}
            if self.proves and self.guesses[n] and self._try(settled, {**others, n: self.guesses[n] - 1}):
                # with less here, the guesses of the others may not be enough any more
                for k, last in others.items():
                    settled[k] = last
                settled[n] -= 1
                settled[n] = self._least(settled, n, 0)
                return count + 1
        return len(things)

    def _least(self, settled: list[int], n: int, low: int) -> int:
        """The least choice of one thing, which is at least `low`; that of `settled` is enough."""
        high, step = settled[n], 1
        # nearly always it is close to that
        while low < high:
            trial = max(high - step, low)
            if not self._try(settled, {n: trial}):
                low = trial + 1
                break
            high, step = trial, 2 * step
        while low < high:
            middle = (low + high) // 2
            if self._try(settled, {n: middle}):
                high = middle
            else:
                low = middle + 1
        return high

    def _try(self, settled: Sequence[int], changed: Mapping[int, int]) -> bool:
        if not self.trials:
            return False
        self.trials -= 1
        return self.enough([c[changed.get(k, n)] for k, (c, n) in enumerate(zip(self.choices, settled, strict=True))])
