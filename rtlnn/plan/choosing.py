"""Foldings with which a network keeps to a goal by the exact schedule: interval, latency, and exact sizes."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from rtlnn.errors import InputError
from rtlnn.plan.amounts import Vector
from rtlnn.plan.costs import Costs
from rtlnn.plan.deadline import latency_by_sums, paces_for
from rtlnn.plan.front import Front
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.option import Option
from rtlnn.plan.quicken import quicken
from rtlnn.plan.schedule import Schedule
from rtlnn.plan.search import Margin, choose

__all__ = ["Chooser"]

_ATTEMPTS = 4
"""How often the budget is made smaller where exact bounds make for larger layers."""
_ROUNDS = 6
"""How often paces are corrected for a latency."""
_SURPLUS = 0.98
"""Part of a latency that is asked for at first: bursts that sums do not see can cost some percent."""
_CLOSER = 0.995
"""The same where the exact schedule has told how far off the sums are."""
_LONGER = (1.05, 1.1, 1.2, 1.35, 1.5, 2, 3)
"""Multiples of a latency that is out of reach that are tried in its place."""
_HALVES = 4
"""Steps towards the shortest latency."""
_PARTS = (0.25, 0.4, 0.55, 0.7, 0.85)
"""Intervals that are tried for a latency, as parts of it."""


@dataclass
class Chooser:
    """Chooses for one network, again and again with other budgets.

    Parameters
    ----------
    fronts, sources : of each layer: its foldings, and the numbers of those from which it reads
    costs, largest : what a design takes, and the most that any layer may take
    timing, latency : by the exact schedule; the latency of a single frame
    quickens : whether a shorter latency may be searched step by step, each with exact schedules for every layer
    margin : of the last choice; None where latency came before cost
    """

    fronts: Sequence[Front]
    sources: Sequence[Sequence[int]]
    costs: Costs
    largest: Vector | None
    timing: Callable[[Sequence[Option]], Schedule]
    latency: Callable[[Sequence[Option]], int]
    quickens: Callable[[Sequence[Option]], bool]
    margin: Margin | None = None
    _paces: dict[Goal, list[int]] = field(default_factory=dict)

    def choose(self, goal: Goal, budget: Budget, room: Budget) -> list[Option]:
        """Exact foldings for `goal` within `budget`; by their exact bounds within `room`, where a few trials do.

        Raises `InputError` if the goal is out of reach.
        """
        chosen = self._least(goal, budget, room)
        quick = goal.objective is Objective.LATENCY
        if quick and goal.latency is None and not self.quickens(chosen):
            chosen = self._soonest(chosen, budget, room)
        if quick:
            self.margin = None
        return chosen

    def paced(self, goal: Goal, room: Budget) -> Goal:
        """With an interval, where only the latency is given: of a few parts of it the one that takes least."""
        if goal.latency is None or goal.interval is not None:
            return goal
        found: list[tuple[float, Goal]] = []
        reason = InputError("")
        for part in _PARTS:
            trial = replace(goal, interval=max(round(part * goal.latency), 1))
            try:
                chosen = self._least(trial, room, room)
            except InputError as error:
                reason = error
                continue
            found.append((room.share(self.costs.total(chosen)), trial))
        if not found:
            for longer in _LONGER:
                late = round(longer * goal.latency)
                try:
                    chosen = self._corrected(Goal(interval=round(_PARTS[-1] * late), latency=late), room, room)
                except (InputError, _TooLateError):
                    continue
                raise _LateError(goal, self.latency(chosen))
            raise reason
        return min(found, key=lambda pair: pair[0])[1]

    def _least(self, goal: Goal, budget: Budget, room: Budget) -> list[Option]:
        """The cheapest for the goal's interval and latency; without them the fastest."""
        try:
            return self._corrected(goal, budget, room)
        except _TooLateError as error:
            nearest, reached = self._nearest(goal, budget, room, error.reached)
        if nearest is not None and goal.latency is not None and reached <= goal.latency:
            return nearest
        raise _LateError(goal, reached)

    def _corrected(self, goal: Goal, budget: Budget, room: Budget) -> list[Option]:
        aim, attempts, rounds, left = goal.interval, _ATTEMPTS, _ROUNDS, budget
        if goal.latency is not None and aim is not None:
            # no frame passes sooner than the slowest layer lets it
            aim = min(aim, goal.latency)
        while True:
            found = self._found(goal, aim, left)
            quick = goal.objective is Objective.LATENCY
            if (quick or goal.latency) and self.quickens(found):
                enough = 0 if quick or goal.latency is None else goal.latency
                quicker = quicken(found, self.fronts, left, self.costs, self.latency, enough)
                if quicker is not found:
                    found, self.margin = quicker, None
            chosen = [option.exactly() for option in found]
            used = self.costs.total(chosen)
            # shorter chains can take wider memories
            if attempts and not room.fits(used):
                left, attempts = left.least(budget.without(self.costs.total(found), used)), attempts - 1
                continue
            if goal.interval is None or aim is None:
                return chosen
            reached = self.timing(chosen)
            if reached.interval > goal.interval:
                # bursts between layers of different speed can cost more than the slowest layer alone
                if aim == 1:
                    raise InputError(
                        f"an interval of {goal.interval:,} cycles cannot be reached; the best is {reached.interval:,}"
                    )
                aim = min(aim * goal.interval // reached.interval, aim - 1)
            elif goal.latency is None or reached.latency <= goal.latency:
                return chosen
            else:
                due = _CLOSER * goal.latency - (reached.latency - latency_by_sums(chosen, self.sources))
                paces = paces_for(chosen, self.fronts, self.sources, aim, due)
                if paces is None or not rounds:
                    raise _TooLateError(reached.latency)
                self._paces[goal], rounds = paces, rounds - 1

    def _found(self, goal: Goal, aim: int | None, budget: Budget) -> list[Option]:
        """By estimates; for a latency, with layers as fast as sums say that they have to be, or as they did before."""

        def chosen(interval: int | None, paces: Sequence[int] | None = None) -> list[Option]:
            found = choose(self.fronts, replace(goal, interval=interval), budget, self.costs, self.largest, paces)
            self.margin = found.margin
            return found.options

        if goal.latency is None or aim is None:
            return chosen(aim)
        paces = self._paces.get(goal)
        if paces is None and (start := self._start(goal.latency, aim)):
            with suppress(InputError):
                found = chosen(aim, start)
                self._paces[goal] = start
                return found
        try:
            return chosen(aim, paces)
        except InputError:
            # out of reach for the interval, too?
            raise _TooLateError(self.latency(chosen(goal.interval))) from None

    def _start(self, latency: int, aim: int) -> list[int] | None:
        """Paces for the leanest options of a large network, which save a search; None where there are none.

        What small ones would take without paces is known soon, and may be enough.
        """
        leanest = [option for front in self.fronts if (option := front.leanest(aim)) is not None]
        if len(leanest) < len(self.fronts) or self.quickens(leanest):
            return None
        return paces_for(leanest, self.fronts, self.sources, aim, _SURPLUS * latency)

    def _nearest(self, goal: Goal, budget: Budget, room: Budget, reached: int) -> tuple[list[Option] | None, int]:
        """A design with about the shortest latency in reach; `reached` cycles are."""
        assert goal.latency is not None
        for longer in _LONGER:
            trial = round(longer * goal.latency)
            if trial >= reached:
                break
            with suppress(InputError, _TooLateError):
                found = self._corrected(replace(goal, latency=trial), budget, room)
                return found, self.latency(found)
        return None, reached

    def _soonest(self, chosen: list[Option], budget: Budget, room: Budget) -> list[Option]:
        """As quick as the rest of the budget makes it, found by halving."""
        interval = self.timing(chosen).interval
        low, high = 1, self.latency(chosen)
        for _ in range(_HALVES):
            middle = (low + high) // 2
            try:
                chosen = self._corrected(Goal(interval=interval, latency=middle), budget, room)
                high = self.latency(chosen)
            except (InputError, _TooLateError):
                low = middle
        return chosen


class _LateError(InputError):
    """A latency is out of reach; the best that was found is `reached`."""

    def __init__(self, goal: Goal, reached: int) -> None:
        every = f", with a frame every {goal.interval:,}," if goal.interval else ""
        super().__init__(
            f"a latency of {goal.latency:,} cycles{every} cannot be reached within the budget; the best found is "
            f"{reached:,} cycles (--target-latency, --target-interval, --utilization, --max-dsp)"
        )


class _TooLateError(Exception):
    """One try has not come to a latency; one of `reached` cycles is in reach."""

    def __init__(self, reached: int) -> None:
        super().__init__(reached)
        self.reached = reached
