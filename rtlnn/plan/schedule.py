"""The exact schedule of a circuit of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.timing import Events, Link, Repeating
from rtlnn.plan.times import solve

__all__ = ["FRAMES", "Schedule", "Trace", "links_of", "schedule", "schedule_circuit"]

FRAMES = 6
"""Frames that are scheduled: the interval is measured after three."""


@dataclass(frozen=True)
class Schedule:
    """Cycles from the first input handshake, all sources and sinks always ready.

    Parameters
    ----------
    inputs, outputs : for every input and output of the design, when each beat is handed over
    frame_ends : when the last beat of each frame has left each layer, [layer][frame]
    ends : when each frame has left the design
    frames : as many were sent
    batch : frames that leave together
    """

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    frame_ends: tuple[tuple[int, ...], ...]
    ends: tuple[int, ...]
    frames: int
    batch: int = 1

    def keeps(self, best: "Schedule") -> bool:
        """Whether it comes to its end, with neither interval nor latency longer than those of `best`."""
        return self.complete and self.interval <= best.interval and self.latency <= best.latency

    @property
    def complete(self) -> bool:
        """Whether all frames have left: no queue was too small."""
        return len(self.ends) == self.frames

    @property
    def latency(self) -> int:
        """From the first input handshake to the last output handshake of the first frame."""
        return self.ends[0]

    @property
    def interval(self) -> int:
        """Between the ends of successive frames, after three; the longest one seen; of batches, the mean of a batch."""
        steady = self.ends[2 * self.batch :: self.batch]
        return max(-(-(b - a) // self.batch) for a, b in pairwise(steady))


def schedule(layers: Sequence[StreamingLayer], frames: int = FRAMES) -> Schedule:
    """Schedule `frames` frames, back to back, through a chain of layers."""
    return schedule_circuit(Circuit.chain([Stage(f"layer{n}", layer) for n, layer in enumerate(layers)]), frames)


def schedule_circuit(circuit: Circuit, frames: int = FRAMES) -> Schedule:
    """Schedule `frames` frames, or batches of them, back to back, through a circuit."""
    return Trace.of(circuit, frames).schedule()


@dataclass(frozen=True)
class Trace:
    """The cycle of every handshake of a circuit, all sources and sinks always ready; without those that never come."""

    circuit: Circuit
    frames: int
    times: Mapping[Tap, Array]

    @classmethod
    def of(cls, circuit: Circuit, frames: int = FRAMES) -> "Trace":
        """Of so many batches, which are frames where weights are not streamed for several at once."""
        frames *= circuit.batch
        links, events = links_of(circuit)
        solve([*_offers(circuit, links), *events], frames)
        return cls(circuit, frames, {tap: link.times for tap, link in links.items()})

    def schedule(self) -> Schedule:
        circuit = self.circuit
        stage_ends = []
        for n, stage in enumerate(circuit.stages):
            ports = [self._ends(Tap(n, port)) for port in range(len(stage.layer.outputs))]
            stage_ends.append(tuple(max(ends) for ends in zip(*ports, strict=False)))
        ends = tuple(max(ends) for ends in zip(*map(self._ends, circuit.outputs), strict=False))
        entries = [tap for tap in circuit.taps if tap.stage == DESIGN][: circuit.frame_inputs]
        inputs, outputs = (tuple(tuple(self.times[tap].tolist()) for tap in t) for t in (entries, circuit.outputs))
        return Schedule(inputs, outputs, tuple(stage_ends), ends, self.frames, circuit.batch)

    def _ends(self, tap: Tap) -> list[int]:
        """When the last beat of each frame is handed over."""
        beats = self.circuit.format(tap).beats
        return self.times[tap][beats - 1 :: beats].tolist()


def _offers(circuit: Circuit, links: Mapping[Tap, Link]) -> list[Events]:
    """When the memory offers each beat of weights: at its pace, from the cycle behind the first frame's first beat on.

    A beat that is not taken at once holds up those behind it: what the memory could have delivered is lost.
    """
    result = []
    for number, stream in enumerate(circuit.weights, circuit.frame_inputs):
        link, (beats, cycles) = links[Tap(DESIGN, number)], stream.pace
        due = -(-np.arange(-1, beats) * cycles // beats)
        offered = Events(link.format.beats)
        offered.after(offered, 0, where=Repeating.of(np.arange(beats) - 1, beats, np.diff(due)))
        offered.after(link.taken, 1, behind=1)
        offered.after(links[Tap(DESIGN, 0)].taken, 1, where=Repeating.of([0], 0))
        link.taken.after(offered, 0)
        result.append(offered)
    return result


def links_of(circuit: Circuit) -> tuple[dict[Tap, Link], list[Events]]:
    """A link for every stream, and all events in the order in which data pass; sources and sinks are always ready."""
    links = {tap: Link(circuit.format(tap)) for tap in circuit.taps}
    events = [link.taken for tap, link in links.items() if tap.stage == DESIGN]
    for n, (stage, taps) in enumerate(zip(circuit.stages, circuit.sources, strict=True)):
        outputs = [links[Tap(n, port)] for port in range(len(stage.layer.outputs))]
        events += stage.layer.timing([links[tap] for tap in taps], outputs)
        events += [link.taken for link in outputs]
    return links, events
