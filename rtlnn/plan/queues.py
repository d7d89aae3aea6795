"""The depths of queues where branches part or meet: the smallest ones with which the whole design loses nothing."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from rtlnn.errors import InputError
from rtlnn.layers.circuit import Circuit
from rtlnn.layers.fifo import LEAST, FifoConfig
from rtlnn.plan.assembly import Edge
from rtlnn.plan.schedule import FRAMES, Schedule, schedule_circuit

__all__ = ["Depths", "settle_queues", "unlimited"]

Depths: TypeAlias = Mapping[Edge, int]


def unlimited(circuit: Callable[[Depths], Circuit], edges: Sequence[Edge], frames: int = FRAMES) -> dict[Edge, int]:
    """Depths with which no queue is ever full within so many frames."""
    if not edges:
        return {}
    smallest = circuit(dict.fromkeys(edges, LEAST))
    beats = max(s.layer.format.beats for s in smallest.stages if isinstance(s.layer, FifoConfig))
    return dict.fromkeys(edges, max(frames * beats, LEAST))


def settle_queues(
    circuit: Callable[[Depths], Circuit], edges: Sequence[Edge], given: Depths | None = None
) -> dict[Edge, int]:
    """The smallest depths with which interval and latency are those of queues that are never full; 0 for no queue.

    A smaller queue never makes anything earlier, so the least depth of each is found by bisection, one after the
    other; none can then be smaller, all others being as they are. What the schedule carries out for some frames cannot
    deadlock under any stalls: whether a beat can ever move does not depend on when the others did (a marked graph:
    Commoner, Holt, Even, Pnueli, "Marked directed graphs", 1971).

    Those that are `given` stay as they are. Raises `InputError` if the design then comes to a stop.
    """
    depths = {**unlimited(circuit, edges), **(given or {})}
    if not depths:
        return depths
    goal = _ends(schedule_circuit(circuit(depths)))
    if goal is None:
        raise InputError("the plan's queues are too small: the design comes to a stop; leave out `queues`")
    interval, latency = goal

    def reached(trial: Depths) -> bool:
        found = _ends(schedule_circuit(circuit(trial)))
        return found is not None and found[0] <= interval and found[1] <= latency

    open_edges = [edge for edge in edges if edge not in (given or {})]
    # those that nobody needs first: without them the others are bounded
    alone = {**depths, **{edge: 0 for edge in open_edges if not edge.joins}}
    if reached(alone):
        depths = alone
    for edge in open_edges:
        if depths[edge]:
            depths[edge] = _least(partial(_with, reached, depths, edge), depths[edge])
    return depths


def _with(reached: Callable[[Depths], bool], depths: Depths, edge: Edge, depth: int) -> bool:
    return reached({**depths, edge: depth})


def _least(enough: Callable[[int], bool], most: int) -> int:
    """The least depth that is enough, where `most` is: none, or at least 2 beats."""
    if enough(0):
        return 0
    low, high = LEAST, LEAST
    while high < most and not enough(high):
        low, high = high + 1, 2 * high
    high = min(high, most)
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _ends(found: Schedule) -> tuple[int, int] | None:
    """Interval and latency; None where it came to a stop."""
    return (found.interval, found.latency) if found.complete else None
