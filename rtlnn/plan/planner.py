"""From a network and a platform to a design that is planned to the cycle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import Circuit
from rtlnn.layers.component import Resources
from rtlnn.plan.assembly import Assembly, Edge, circuit_resources
from rtlnn.plan.buffers import settle_rows
from rtlnn.plan.choosing import Chooser
from rtlnn.plan.costs import Costs
from rtlnn.plan.dies import Dies
from rtlnn.plan.front import Front, fronts_of
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.option import Option
from rtlnn.plan.queues import Circuits, Depths, settle_queues, unlimited
from rtlnn.plan.schedule import FRAMES, Schedule, Trace
from rtlnn.plan.search import Margin
from rtlnn.plan.shorten import shorten_chains
from rtlnn.plan.streaming import ExternalMemory, Streaming, streaming_of
from rtlnn.plan.tasks import tasks_of
from rtlnn.plan.thrift import trials_for

__all__ = ["Design", "plan_network"]

_ATTEMPTS = 4
"""How often the rest is made smaller for the queues, and for dies."""
_LESS = 0.97
"""Part of what is fullest that is tried next where layers do not fit the dies."""
_EACH = 10
"""Schedules that a step towards less latency makes for every layer, at most."""
_SPANS = (
    "the layers do not fit the chip's dies one by one: where their parts lie is left to the vendor's tools, and the "
    "clock may suffer at the borders (a larger --target-interval makes layers smaller)"
)


@dataclass(frozen=True, eq=False)
class Design:
    """A planned network.

    Parameters
    ----------
    network : what it computes
    plan : the choices
    options : the layers with their folding
    depths : of the queues where branches part or meet
    circuit : all stages, width converters and queues included (memories still empty)
    schedule : when every beat moves
    resources : estimated cost
    margin : how far from the best the search's choice may be; None for a given plan, or where nothing is known
    """

    network: Network
    plan: HardwarePlan
    options: tuple[Option, ...]
    depths: Depths
    circuit: Circuit
    schedule: Schedule
    resources: Resources
    margin: Margin | None = None

    def filled(self) -> Circuit:
        """The circuit with the contents of its memories."""
        assembly = Assembly(self.network.core, [option.task for option in self.options], self.plan.dies)
        return assembly.circuit(self.options, self.depths, contents=True)


def plan_network(
    network: Network,
    platform: str,
    arithmetic: Arithmetic,
    goal: Goal,
    budget: Budget,
    given: HardwarePlan | None = None,
    dies: Dies | None = None,
    progress: Callable[[str], None] = lambda step: None,
    memory: ExternalMemory | None = None,
) -> Design:
    """Plan `network` for `goal` within `budget`, or check and schedule the plan `given`.

    `dies` are those of a chip with several; where layers cannot keep to them, the chip is planned as a whole, and the
    network gets a note. Weights may be streamed from `memory`, where there is one. `progress` is called with what is
    being done. Raises `InputError` where nothing fits or a given plan is illegal.
    """
    planner = _Planner(network, arithmetic, dies, progress, memory)
    if given is not None:
        chosen, depths = planner.follow(given)
    else:
        try:
            chosen, depths = planner.search(goal, budget)
        except InputError:
            if dies is None:
                raise
            planner = _Planner(network, arithmetic, None, progress, memory)
            chosen, depths = planner.search(goal, budget)
            network = replace(network, notes=(*network.notes, _SPANS))
    circuit = planner.assembly.circuit(chosen, depths)
    cost = circuit_resources(circuit)
    if given is not None and (shortfalls := budget.shortfalls(cost)):
        raise InputError(f"the plan does not fit: it takes {', '.join(shortfalls)}")
    if given is not None and dies is not None and (shortfalls := dies.shortfalls(circuit)):
        raise InputError(f"the plan does not fit its dies: it takes {', '.join(shortfalls)}")
    plan = HardwarePlan.of(network.name, platform, chosen, depths, planner.assembly.dies)
    assert planner.schedule is not None
    return Design(network, plan, tuple(chosen), depths, circuit, planner.schedule, cost, planner.margin)


class _Planner:
    """The search for one network."""

    def __init__(
        self,
        network: Network,
        arithmetic: Arithmetic,
        dies: Dies | None,
        progress: Callable[[str], None],
        memory: ExternalMemory | None,
    ) -> None:
        self.tasks = tasks_of(network.core, pools=True)
        self.assembly = Assembly(network.core, self.tasks, memory=memory)
        self._costs = Costs(self.assembly)
        self.margin: Margin | None = None
        self.schedule: Schedule | None = None  # of what was settled last
        self._timed: tuple[list[Option], Schedule | None] = [], None
        self.frames = FRAMES  # that are scheduled, or batches
        self._memory, self._streaming = memory, Streaming()
        self._arithmetic, self._dies, self._progress = arithmetic, dies, progress

    def search(self, goal: Goal, budget: Budget) -> tuple[list[Option], dict[Edge, int]]:
        """The layers and queues for `goal`; the queues, of which the depths come last, have to fit beside the rest."""
        self._streaming = streaming_of(self.tasks, self._memory, budget, goal.interval)
        room = budget if self._dies is None else budget.least(self._dies.together)
        goal = self._chooser.paced(goal, room)
        left, dies, reason = room, self._dies, list[str]()
        for _ in range(_ATTEMPTS):
            self.assembly = self.assembly.on({})
            chosen = self._chooser.choose(goal, left, room)
            self.margin = self._chooser.margin
            if goal.objective is Objective.LATENCY:
                chosen = shorten_chains(chosen, left, self._costs.total)
            if dies is not None:
                places = dies.place(self.assembly, chosen, self._costs)
                if places is None:
                    left = left.scarcer(self._costs.total(chosen), dies.together, _LESS)
                    continue
                self.assembly = self.assembly.on(places)
            chosen, depths = self._settle(chosen, {})
            circuit = self.assembly.circuit(chosen, depths)
            used = circuit_resources(circuit)
            reason = budget.shortfalls(used)
            if (
                not reason
                and self._dies is not None
                and dies is not None
                and (reason := self._dies.shortfalls(circuit))
            ):
                dies = dies.without(self._dies, circuit)
                continue
            if not reason or (not depths and not self.assembly.dies):
                return chosen, depths
            left = left.without(self._costs.total(chosen), used)
        raise InputError(f"the queues where branches meet do not fit: {', '.join(reason)}")

    def follow(self, given: HardwarePlan) -> tuple[list[Option], dict[Edge, int]]:
        """The layers, dies and queues of a plan; what it leaves out is chosen, but for dies."""
        count = len(self._dies.names) if self._dies else 1
        if wrong := {name: die for name, die in given.dies.items() if die >= count}:
            name, die = next(iter(wrong.items()))
            raise InputError(f"plan, layer {name!r}: die {die} is none of the platform's {count} dies, counted from 0")
        self.assembly = self.assembly.on(given.dies)
        return self._settle(given.options(self.tasks, self._arithmetic), given.depths(self.assembly.edges))

    def _settle(self, chosen: Sequence[Option], given: Depths) -> tuple[list[Option], dict[Edge, int]]:
        """Line buffers, then queues, for as many frames as are under way at once.

        What is enough for the first frames of a deep network can be too small for those that meet others in it.
        """
        self._progress("sizing buffers")
        batch = self.assembly.circuit(chosen, {}).batch
        busy = batch * max(option.cycles for option in chosen)
        self.frames = max(FRAMES, FRAMES - 1 - (-self._latency(chosen) // busy))
        edges, trace = self._edges_beside(chosen)
        settled = settle_rows(chosen, trace, lambda options: self._trace(options, self.frames, edges).schedule())
        del trace
        depths, self.schedule = settle_queues(self._circuits(settled), self.assembly.edges, given, self.frames)
        return settled, depths

    @cached_property
    def _chooser(self) -> Chooser:
        makers = {task.result: n for n, task in enumerate(self.tasks)}
        sources = [[makers[value] for value in task.sources if value in makers] for task in self.tasks]
        largest = self._dies.largest if self._dies else None
        return Chooser(self._fronts, sources, self._costs, largest, self._timing, self._latency, self._quickens)

    @cached_property
    def _fronts(self) -> list[Front]:
        return fronts_of(self.tasks, self._arithmetic, lambda name: self._progress(f"folding {name}"), self._streaming)

    def _timing(self, options: Sequence[Option], frames: int = FRAMES) -> Schedule:
        """With queues that are never full, at all edges."""
        found = self._trace(options, frames, self.assembly.edges).schedule()
        if frames == FRAMES:
            self._timed = list(options), found
        return found

    def _trace(self, options: Sequence[Option], frames: int, edges: Sequence[Edge]) -> Trace:
        """With queues that are never full, at these edges alone."""
        circuits = self._circuits(options)
        return Trace.of(circuits(unlimited(circuits, edges, frames), False), frames)

    def _edges_beside(self, chosen: Sequence[Option]) -> tuple[Sequence[Edge], Trace]:
        """Where queues are while line buffers shrink: not in front of them, if these are enough: a queue costs more."""
        joins = [edge for edge in self.assembly.edges if edge.joins]
        if len(joins) < len(self.assembly.edges):
            trace = self._trace(chosen, self.frames, joins)
            found, (options, free) = trace.schedule(), self._timed
            if free is None or options != list(chosen):
                free = self._timing(chosen)
            # borders between dies add to the latency, not to the interval
            if found.complete and found.interval <= free.interval and found.latency <= self._latency(chosen):
                return joins, trace
            del trace
        return self.assembly.edges, self._trace(chosen, self.frames, self.assembly.edges)

    def _circuits(self, options: Sequence[Option]) -> Circuits:
        return lambda depths, blocks: self.assembly.circuit(options, depths, blocks=blocks)

    def _latency(self, options: Sequence[Option]) -> int:
        return self._timing(options, 1).latency

    def _quickens(self, options: Sequence[Option]) -> bool:
        """Whether all layers can be scheduled several times within seconds."""
        return trials_for(self.assembly.circuit(options, {})) > _EACH * len(options)
