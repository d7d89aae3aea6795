"""The exact schedule of a circuit of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rtlnn.ir.types import Array
from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.timing import Events, Link
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
    """

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    frame_ends: tuple[tuple[int, ...], ...]
    ends: tuple[int, ...]
    frames: int

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
        """Between the ends of successive frames, after three; the longest one seen."""
        return max(b - a for a, b in pairwise(self.ends[2:]))


def schedule(layers: Sequence[StreamingLayer], frames: int = FRAMES) -> Schedule:
    """Schedule `frames` frames, back to back, through a chain of layers."""
    return schedule_circuit(Circuit.chain([Stage(f"layer{n}", layer) for n, layer in enumerate(layers)]), frames)


def schedule_circuit(circuit: Circuit, frames: int = FRAMES) -> Schedule:
    """Schedule `frames` frames, back to back, through a circuit."""
    return Trace.of(circuit, frames).schedule()


@dataclass(frozen=True)
class Trace:
    """The cycle of every handshake of a circuit, all sources and sinks always ready; without those that never come."""

    circuit: Circuit
    frames: int
    times: Mapping[Tap, Array]

    @classmethod
    def of(cls, circuit: Circuit, frames: int = FRAMES) -> "Trace":
        links, events = links_of(circuit)
        solve(events, frames)
        return cls(circuit, frames, {tap: link.times for tap, link in links.items()})

    def schedule(self) -> Schedule:
        circuit = self.circuit
        stage_ends = []
        for n, stage in enumerate(circuit.stages):
            ports = [self._ends(Tap(n, port)) for port in range(len(stage.layer.outputs))]
            stage_ends.append(tuple(max(ends) for ends in zip(*ports, strict=False)))
        ends = tuple(max(ends) for ends in zip(*map(self._ends, circuit.outputs), strict=False))
        entries = [tap for tap in circuit.taps if tap.stage == DESIGN]
        inputs, outputs = (tuple(tuple(self.times[tap].tolist()) for tap in t) for t in (entries, circuit.outputs))
        return Schedule(inputs, outputs, tuple(stage_ends), ends, self.frames)

    def _ends(self, tap: Tap) -> list[int]:
        """When the last beat of each frame is handed over."""
        beats = self.circuit.format(tap).beats
        return self.times[tap][beats - 1 :: beats].tolist()


def links_of(circuit: Circuit) -> tuple[dict[Tap, Link], list[Events]]:
    """A link for every stream, and all events in the order in which data pass; sources and sinks are always ready."""
    links = {tap: Link(circuit.format(tap)) for tap in circuit.taps}
    events = [link.taken for tap, link in links.items() if tap.stage == DESIGN]
    for n, (stage, taps) in enumerate(zip(circuit.stages, circuit.sources, strict=True)):
        outputs = [links[Tap(n, port)] for port in range(len(stage.layer.outputs))]
        events += stage.layer.timing([links[tap] for tap in taps], outputs)
        events += [link.taken for link in outputs]
    return links, events
