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
from rtlnn.plan.costs import Costs
from rtlnn.plan.dies import Dies
from rtlnn.plan.front import Front, fronts_of
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.option import Option
from rtlnn.plan.queues import Circuits, Depths, settle_queues, unlimited
from rtlnn.plan.schedule import FRAMES, Schedule, Trace, schedule_circuit
from rtlnn.plan.search import Margin, choose
from rtlnn.plan.shorten import shorten_chains
from rtlnn.plan.streaming import ExternalMemory, Streaming, streaming_of
from rtlnn.plan.tasks import tasks_of

__all__ = ["Design", "plan_network"]

_ATTEMPTS = 4
"""How often the rest is made smaller for the queues, and for dies."""
_LESS = 0.95
"""Part of a budget that is tried next where layers do not fit the dies."""
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
    return Design(
        network, plan, tuple(chosen), depths, circuit, schedule_circuit(circuit, planner.frames), cost, planner.margin
    )


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
        self.frames = FRAMES  # that are scheduled
        self._memory, self._streaming = memory, Streaming()
        self._arithmetic, self._dies, self._progress = arithmetic, dies, progress

    def search(self, goal: Goal, budget: Budget) -> tuple[list[Option], dict[Edge, int]]:
        """The layers and queues for `goal`; the queues, of which the depths come last, have to fit beside the rest."""
        self._streaming = streaming_of(self.tasks, self._memory, budget, goal.interval)
        left, dies, reason = budget, self._dies, list[str]()
        for _ in range(_ATTEMPTS):
            self.assembly = self.assembly.on({})
            chosen = [option.exactly() for option in self._choose(goal, left)]
            if goal.objective is Objective.LATENCY:
                chosen = shorten_chains(chosen, left, self._costs.total)
            if dies is not None:
                places = dies.place(self.assembly, chosen, self._costs)
                if places is None:
                    left = left.scaled(_LESS)
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
        """Line buffers, then queues: for a few frames, or where those were too few, for all that are under way at once.

        What is enough for the first frames of a deep network can be too small for those that meet others in it.
        """
        while True:
            settled, depths = self._settle_scheduled(chosen, given)
            circuit = self.assembly.circuit(settled, depths)
            first = schedule_circuit(circuit, self.frames)
            more = FRAMES - 1 - (-first.latency // first.interval)
            if more <= self.frames or schedule_circuit(circuit, more).interval <= first.interval:
                return settled, depths
            self.frames = more

    def _settle_scheduled(self, chosen: Sequence[Option], given: Depths) -> tuple[list[Option], dict[Edge, int]]:
        self._progress("sizing buffers")
        edges, trace = self._edges_beside(chosen)
        settled = settle_rows(chosen, trace, lambda options: self._trace(options, self.frames, edges).schedule())
        del trace
        return settled, settle_queues(self._circuits(settled), self.assembly.edges, given, self.frames)

    def _choose(self, goal: Goal, budget: Budget) -> list[Option]:
        """Foldings with which the whole keeps to the goal's interval, by the exact schedule."""
        fronts = self._fronts
        aim = goal.interval
        while True:
            largest = self._dies.largest if self._dies else None
            found = choose(fronts, replace(goal, interval=aim), budget, self._costs, self._latency, largest)
            chosen, self.margin = found.options, found.margin
            if goal.interval is None or aim is None:
                return chosen
            reached = self._timing(chosen).interval
            if reached <= goal.interval:
                return chosen
            # bursts between layers of different speed can cost more than the slowest layer alone
            if aim == 1:
                raise InputError(f"an interval of {goal.interval:,} cycles cannot be reached; the best is {reached:,}")
            aim = min(aim * goal.interval // reached, aim - 1)

    @cached_property
    def _fronts(self) -> list[Front]:
        return fronts_of(self.tasks, self._arithmetic, lambda name: self._progress(f"folding {name}"), self._streaming)

    def _timing(self, options: Sequence[Option], frames: int = FRAMES) -> Schedule:
        """With queues that are never full, at all edges."""
        return self._trace(options, frames, self.assembly.edges).schedule()

    def _trace(self, options: Sequence[Option], frames: int, edges: Sequence[Edge]) -> Trace:
        """With queues that are never full, at these edges alone."""
        circuits = self._circuits(options)
        return Trace.of(circuits(unlimited(circuits, edges, frames), False), frames)

    def _edges_beside(self, chosen: Sequence[Option]) -> tuple[Sequence[Edge], Trace]:
        """Where queues are while line buffers shrink: not in front of them, if these are enough: a queue costs more."""
        joins = [edge for edge in self.assembly.edges if edge.joins]
        trace = self._trace(chosen, self.frames, joins)
        if len(joins) == len(self.assembly.edges) or trace.schedule().keeps(self._timing(chosen, self.frames)):
            return joins, trace
        return self.assembly.edges, self._trace(chosen, self.frames, self.assembly.edges)

    def _circuits(self, options: Sequence[Option]) -> Circuits:
        return lambda depths, blocks: self.assembly.circuit(options, depths, blocks=blocks)

    def _latency(self, options: Sequence[Option]) -> int:
        return self._timing(options, 1).latency
