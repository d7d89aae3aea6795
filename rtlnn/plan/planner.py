"""From a network and a platform to a design that is planned to the cycle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rtlnn.emit.netlist import Stage
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.layers.component import Resources
from rtlnn.plan.chain import chain_of, chain_resources
from rtlnn.plan.folding import Candidate
from rtlnn.plan.goal import Budget, Goal
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.schedule import Schedule, schedule
from rtlnn.plan.search import choose, settle_rows
from rtlnn.plan.tasks import tasks_of

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
    goal: Goal,
    budget: Budget,
    given: HardwarePlan | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Design:
    """Plan `network` for `goal` within `budget`, or check and schedule the plan `given`.

    `progress` is called with what is being done. Raises `InputError` where nothing fits or a given plan is illegal.
    """
    tasks = tasks_of(network.core)
    if given is None:
        cost, latency = partial(_cost, network), partial(_latency, network)
        chosen = choose(tasks, goal, budget, cost, latency, lambda name: progress(f"folding {name}"))
        bound = max(c.cycles for c in chosen)
    else:
        chosen = [Candidate(t, f) for t, f in zip(tasks, given.foldings(tasks), strict=True)]
        if shortfalls := budget.shortfalls(_cost(network, chosen)):
            raise InputError(f"the plan does not fit: it takes {', '.join(shortfalls)}")
        bound = max(c.cycles for c in chosen)
    progress("sizing buffers")
    kernels = tuple(settle_rows(candidate, bound) for candidate in chosen)
    progress("scheduling")
    stages = _chain(network, kernels, contents=False)
    plan = HardwarePlan.of(network.name, platform, tasks, [k.settled for k in kernels])
    timing = schedule([stage.layer for stage in stages])
    return Design(network, plan, kernels, tuple(stages), timing, chain_resources(stages, kernels))


def _chain(network: Network, kernels: Sequence[Candidate], contents: bool) -> list[Stage]:
    core = network.core
    return chain_of(core.types[core.inputs[0]], core.types[core.outputs[0]], kernels, contents)


def _cost(network: Network, kernels: Sequence[Candidate]) -> Resources:
    return chain_resources(_chain(network, kernels, contents=False), kernels)


def _latency(network: Network, kernels: Sequence[Candidate]) -> int:
    return schedule([stage.layer for stage in _chain(network, kernels, contents=False)], 4).latency
