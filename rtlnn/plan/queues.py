"""The depths of queues where branches part or meet: the smallest ones with which the whole design loses nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rtlnn.errors import InputError
from rtlnn.layers.circuit import Circuit, Tap
from rtlnn.layers.fifo import LEAST, FifoConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.plan.assembly import Edge
from rtlnn.plan.schedule import FRAMES, Trace, schedule_circuit

__all__ = ["Circuits", "Depths", "settle_queues", "unlimited"]

Depths: TypeAlias = Mapping[Edge, int]
Circuits: TypeAlias = Callable[[Depths, bool], Circuit]
"""The circuit with queues of these depths, the deep ones in block RAM or not."""

_MORE = 8
"""Beats that a queue in block RAM may hold more than one in LUTs, which is sooner."""


def unlimited(circuit: Circuits, edges: Sequence[Edge], frames: int = FRAMES) -> dict[Edge, int]:
    """Depths with which no queue is ever full within so many frames."""
    if not edges:
        return {}
    smallest = circuit(dict.fromkeys(edges, LEAST), False)
    beats = max(s.layer.format.beats for s in smallest.stages if isinstance(s.layer, FifoConfig))
    return dict.fromkeys(edges, max(frames * beats, LEAST))


def settle_queues(circuit: Circuits, edges: Sequence[Edge], given: Depths | None = None) -> dict[Edge, int]:
    """The smallest depths with which interval and latency are those of queues that are never full; 0 for no queue.

    A smaller queue never makes anything earlier, so the least depth of each is found by bisection, one after the
    other; none can then be smaller, all others being as they are. What the schedule carries out for some frames cannot
    deadlock under any stalls: whether a beat can ever move does not depend on when the others did (a marked graph:
    Commoner, Holt, Even, Pnueli, "Marked directed graphs", 1971).

    Those that are `given` stay as they are. Raises `InputError` if the design then comes to a stop.
    """
    given = given or {}
    depths = {**unlimited(circuit, edges), **given}
    if not depths:
        return depths
    search = _Search(circuit, edges, depths, blocks=False)
    free = [edge for edge in edges if edge not in given]
    # those that nobody needs first: without them the others are bounded
    for alone in (dict.fromkeys(free, 0), {edge: 0 for edge in free if not edge.joins}):
        if search.reached({**depths, **alone}):
            depths |= alone
            break
    depths |= {edge: most for edge, most in search.held(depths).items() if edge not in given}
    for edge in free:
        if depths[edge]:
            depths[edge] = search.least(depths, edge)
    return _in_blocks(search, depths, free)


def _in_blocks(search: "_Search", depths: dict[Edge, int], free: Sequence[Edge]) -> dict[Edge, int]:
    """Depths for queues of which the deep ones are in block RAM, which delays their beats.

    Where that delays the whole whatever their depth, they are as deep as they need to be in LUTs.
    """
    search.blocks = True
    deep = [edge for edge in search.in_blocks(depths) if edge in free]
    if not deep or search.reached(depths):
        return depths
    more = {**depths, **{edge: depths[edge] + _MORE for edge in deep}}
    if not search.reached(more):
        return depths
    for edge in deep:
        more[edge] = search.least(more, edge)
    return more


class _Search:
    """Tells whether depths are enough: whether interval and latency are those with the depths `roomy`."""

    def __init__(self, circuit: Circuits, edges: Sequence[Edge], roomy: Depths, blocks: bool) -> None:
        self._circuit, self._edges, self.blocks = circuit, edges, blocks
        goal = schedule_circuit(circuit(roomy, blocks))
        if not goal.complete:
            raise InputError("the plan's queues are too small: the design comes to a stop; leave out `queues`")
        self._interval, self._latency = goal.interval, goal.latency

    def reached(self, depths: Depths) -> bool:
        found = schedule_circuit(self._circuit(depths, self.blocks))
        return found.complete and found.interval <= self._interval and found.latency <= self._latency

    def held(self, depths: Depths) -> dict[Edge, int]:
        """For each queue the depth from which on it is never full."""
        circuit = self._circuit(depths, self.blocks)
        trace = Trace.of(circuit, FRAMES)
        result = {}
        for edge, n in self._queues(circuit, depths):
            came, left = (trace.times[tap] for tap in (circuit.sources[n][0], Tap(n)))
            # a beat needs a place that another one has left in an earlier cycle
            held = np.arange(1, len(came) + 1) - np.searchsorted(left, came)
            result[edge] = max(LEAST, int(held.max()))
        return result

    def in_blocks(self, depths: Depths) -> list[Edge]:
        """Those of which the queues are in block RAM."""
        circuit = self._circuit(depths, True)
        layers = ((edge, circuit.stages[n].layer) for edge, n in self._queues(circuit, depths))
        return [e for e, fifo in layers if isinstance(fifo, FifoConfig) and fifo.memory is MemoryKind.BRAM]

    def _queues(self, circuit: Circuit, depths: Depths) -> Iterator[tuple[Edge, int]]:
        """The number of each queue's stage."""
        stages = (n for n, stage in enumerate(circuit.stages) if isinstance(stage.layer, FifoConfig))
        return zip((edge for edge in self._edges if depths[edge]), stages, strict=True)

    def least(self, depths: Depths, edge: Edge) -> int:
        """The least depth of one queue that is enough, where its present one is: 0 or at least 2."""

        def enough(depth: int) -> bool:
            return self.reached({**depths, edge: depth})

        low, high, step = LEAST, depths[edge], 1
        if enough(0):
            return 0
        # nearly always it is close to what the queue holds
        while low < high:
            if not enough(trial := max(high - step, low)):
                low = trial + 1
                break
            high, step = trial, 2 * step
        while low < high:
            middle = (low + high) // 2
            if enough(middle):
                high = middle
            else:
                low = middle + 1
        return high
