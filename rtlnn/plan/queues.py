"""The depths of queues where branches part or meet: the smallest ones with which the whole design loses nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rtlnn.errors import InputError
from rtlnn.layers.circuit import Circuit, Tap
from rtlnn.layers.fifo import LEAST, FifoConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.plan.assembly import Edge
from rtlnn.plan.schedule import FRAMES, Schedule, Trace, schedule_circuit
from rtlnn.plan.thrift import least_choices, trials_for

__all__ = ["Circuits", "Depths", "settle_queues", "unlimited"]

Depths: TypeAlias = Mapping[Edge, int]
Circuits: TypeAlias = Callable[[Depths, bool], Circuit]
"""The circuit with queues of these depths, the deep ones in block RAM or not."""

_MORE = 8
"""Beats that a queue in block RAM may hold more than one in LUTs, which is sooner."""


def unlimited(circuit: Circuits, edges: Sequence[Edge], frames: int = FRAMES) -> dict[Edge, int]:
    """Depths with which no queue is ever full within so many frames, or batches of them."""
    if not edges:
        return {}
    smallest = circuit(dict.fromkeys(edges, LEAST), False)
    beats = max(s.layer.format.beats for s in smallest.stages if isinstance(s.layer, FifoConfig))
    return dict.fromkeys(edges, max(frames * smallest.batch * beats, LEAST))


def settle_queues(
    circuit: Circuits, edges: Sequence[Edge], given: Depths | None = None, frames: int = FRAMES
) -> tuple[dict[Edge, int], Schedule]:
    """The smallest depths with which interval and latency are those of queues that are never full; 0 for no queue.

    A smaller queue never makes anything earlier, so the least depth of each can be searched, one after the other; none
    can then be smaller, all others being as they are. In a large network, of which schedules take long, some are as
    deep as what they hold where nothing ever waits for room in them, which is nearly always the same. What the schedule
    carries out for some frames cannot deadlock under any stalls (docs/schedule.md). With them comes that schedule.

    `frames` are scheduled. Those depths that are `given` stay as they are. Raises `InputError` if the design then comes
    to a stop.
    """
    given = given or {}
    depths = {**unlimited(circuit, edges, frames), **given}
    if not depths:
        return depths, schedule_circuit(circuit(depths, True), frames)
    trace = Trace.of(circuit(depths, False), frames)
    search = _Search(circuit, edges, trace, frames)
    free = [edge for edge in edges if edge not in given]
    # those that nobody needs first: without them the others are bounded
    for alone in (dict.fromkeys(free, 0), {edge: 0 for edge in free if not edge.joins}):
        if fewer := search.reached({**depths, **alone}):
            trace, depths = fewer, {**depths, **alone}
            break
    held = search.held(trace, depths)
    depths |= {edge: most for edge, most in held.items() if edge not in given}
    depths = _in_blocks(search, search.least(depths, free), free)
    return depths, search.schedule(depths)


def _in_blocks(search: "_Search", depths: dict[Edge, int], free: Sequence[Edge]) -> dict[Edge, int]:
    """Depths for queues of which the deep ones are in block RAM, which delays their beats.

    Where that delays the whole whatever their depth, they are as deep as they need to be in LUTs.
    """
    search.blocks = True
    deep = [edge for edge in search.in_blocks(depths) if edge in free]
    if not deep or search.reached(depths):
        return depths
    more = {**depths, **{edge: depths[edge] + _MORE for edge in deep}}
    return search.least(more, deep) if search.reached(more) else depths


class _Search:
    """Tells whether depths are enough: whether interval and latency are those of what is `roomy`."""

    def __init__(self, circuit: Circuits, edges: Sequence[Edge], roomy: Trace, frames: int) -> None:
        self._circuit, self._edges, self._frames, self.blocks = circuit, edges, frames, False
        self._goal, self._trials = roomy.schedule(), trials_for(roomy.circuit)
        self._proven = dict[Edge, int](), False, self._goal  # what was enough last
        if not self._goal.complete:
            raise InputError("the plan's queues are too small: the design comes to a stop; leave out `queues`")

    def reached(self, depths: Depths) -> Trace | None:
        """What happens with these depths; None where they are not enough."""
        circuit = self._circuit(depths, self.blocks)
        # most of what is not enough shows in the first frame
        first = schedule_circuit(circuit, 1)
        if not first.complete or first.latency > self._goal.latency:
            return None
        trace = Trace.of(circuit, self._frames)
        found = trace.schedule()
        if not found.keeps(self._goal):
            return None
        self._proven = dict(depths), self.blocks, found
        return trace

    def schedule(self, depths: Depths) -> Schedule:
        """What happens with these depths, the deep queues in block RAM."""
        proven, blocks, found = self._proven
        if blocks and proven == depths:
            return found
        return schedule_circuit(self._circuit(depths, True), self._frames)

    def held(self, trace: Trace, depths: Depths) -> dict[Edge, int]:
        """For each queue the depth from which on it is never full."""
        result = {}
        for edge, n in self._queues(trace.circuit, depths):
            came, left = (trace.times[tap] for tap in (trace.circuit.sources[n][0], Tap(n)))
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

    def least(self, depths: Depths, edges: Sequence[Edge]) -> dict[Edge, int]:
        """The least depths of these queues that are enough, where their present ones are: 0 or at least 2."""
        choices = [[0, *range(LEAST, depths[edge] + 1)] for edge in edges]
        # a queue that never holds more than it must is most often not needed
        guesses = [len(c) - 1 if len(c) > 2 else 0 for c in choices]

        def enough(trial: Sequence[int]) -> bool:
            return self.reached({**depths, **dict(zip(edges, trial, strict=True))}) is not None

        return {**depths, **dict(zip(edges, least_choices(choices, enough, guesses, self._trials), strict=True))}
