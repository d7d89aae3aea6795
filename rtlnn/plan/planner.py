"""From a network and a platform to a design that is planned to the cycle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rtlnn.emit.netlist import Stage
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.plan.buffers import settle_rows
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.chain import chain_of, chain_resources
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.schedule import FRAMES, Schedule, schedule
from rtlnn.plan.search import choose, fronts_of
from rtlnn.plan.shorten import shorten_chains
from rtlnn.plan.tasks import Task, tasks_of

__all__ = ["Design", "plan_network"]


@dataclass(frozen=True, eq=False)
class Design:
    """A planned network.

    Parameters
    ----------
    network : what it computes
    plan : the choices
    kernels : the layers with their folding
    stages : the whole chain, width converters included (memories still empty)
    schedule : when every beat moves
    resources : estimated cost
    """

    network: Network
    plan: HardwarePlan
    kernels: tuple[Candidate, ...]
    stages: tuple[Stage, ...]
    schedule: Schedule
    resources: Resources

    def filled_stages(self) -> list[Stage]:
        """The chain with the contents of its memories."""
        return _chain(self.network, self.kernels, contents=True)


def plan_network(
    network: Network,
    platform: str,
    arithmetic: Arithmetic,
    goal: Goal,
    budget: Budget,
    given: HardwarePlan | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Design:
    """Plan `network` for `goal` within `budget`, or check and schedule the plan `given`.

    `progress` is called with what is being done. Raises `InputError` where nothing fits or a given plan is illegal.
    """
    tasks = tasks_of(network.core, pools=True)
    timing = partial(_timing, network)
    if given is None:
        chosen = [c.exactly() for c in _choose(network, tasks, arithmetic, goal, budget, progress)]
        if goal.objective is Objective.LATENCY:
            chosen = shorten_chains(chosen, budget, partial(_cost, network))
    else:
        chosen = [Candidate(t, f, arithmetic) for t, f in zip(tasks, given.foldings(tasks, arithmetic), strict=True)]
        if shortfalls := budget.shortfalls(_cost(network, chosen)):
            raise InputError(f"the plan does not fit: it takes {', '.join(shortfalls)}")
    progress("sizing buffers")
    kernels = settle_rows(chosen, timing)
    stages = _chain(network, kernels, contents=False)
    plan = HardwarePlan.of(network.name, platform, tasks, [k.settled for k in kernels])
    cost = chain_resources(stages, kernels)
    return Design(network, plan, tuple(kernels), tuple(stages), timing(kernels), cost)


def _choose(
    network: Network,
    tasks: Sequence[Task],
    arithmetic: Arithmetic,
    goal: Goal,
    budget: Budget,
    progress: Callable[[str], None],
) -> list[Candidate]:
    """Foldings whose chain keeps to the goal's interval, by the exact schedule."""
    cost = partial(_cost, network)
    fronts = fronts_of(tasks, arithmetic, lambda name: progress(f"folding {name}"))
    aim = goal.interval
    while True:
        chosen = choose(fronts, replace(goal, interval=aim), budget, cost, partial(_latency, network))
        if goal.interval is None or aim is None:
            return chosen
        reached = _timing(network, chosen).interval
        if reached <= goal.interval:
            return chosen
        # bursts between layers of different speed can cost more than the slowest layer alone
        if aim == 1:
            raise InputError(f"an interval of {goal.interval:,} cycles cannot be reached; the best is {reached:,}")
        aim = min(aim * goal.interval // reached, aim - 1)


def _chain(network: Network, kernels: Sequence[Candidate], contents: bool) -> list[Stage]:
    core = network.core
    return chain_of(core.types[core.inputs[0]], core.types[core.outputs[0]], kernels, contents)


def _cost(network: Network, kernels: Sequence[Candidate]) -> Resources:
    return chain_resources(_chain(network, kernels, contents=False), kernels)


def _timing(network: Network, kernels: Sequence[Candidate], frames: int = FRAMES) -> Schedule:
    return schedule([stage.layer for stage in _chain(network, kernels, contents=False)], frames)


def _latency(network: Network, kernels: Sequence[Candidate]) -> int:
    return _timing(network, kernels, 1).latency
