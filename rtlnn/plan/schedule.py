"""The exact schedule of a circuit of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.timing import Link, Process, run, sink, source

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
    trace = Trace.of(circuit, frames)
    entries = [trace.links[tap] for tap in circuit.taps if tap.stage == DESIGN]
    exits = [trace.links[tap] for tap in circuit.outputs]
    stage_ends = []
    for n, stage in enumerate(circuit.stages):
        ports = [_ends(trace.links[Tap(n, port)], frames) for port in range(len(stage.layer.outputs))]
        stage_ends.append(tuple(max(ends) for ends in zip(*ports, strict=False)))
    ends = tuple(max(ends) for ends in zip(*(_ends(link, frames) for link in exits), strict=False))
    inputs = tuple(tuple(link.taken.times) for link in entries)
    outputs = tuple(tuple(link.taken.times[: frames * link.format.beats]) for link in exits)
    return Schedule(inputs, outputs, tuple(stage_ends), ends, frames)


@dataclass(frozen=True)
class Trace:
    """Every handshake of a circuit, all sources and sinks always ready."""

    links: Mapping[Tap, Link]

    @classmethod
    def of(cls, circuit: Circuit, frames: int) -> "Trace":
        links, processes = links_of(circuit)
        sources = [source(links[tap], frames * links[tap].format.beats) for tap in circuit.taps if tap.stage == DESIGN]
        run([*sources, *processes, *(sink(links[tap]) for tap in circuit.outputs)])
        return cls(links)


def links_of(circuit: Circuit) -> tuple[dict[Tap, Link], list[Process]]:
    """A link for every stream, and the processes of all layers and links; sources and sinks are left open."""
    links = {tap: Link(circuit.format(tap)) for tap in circuit.taps}
    processes: list[Process] = []
    # in the order in which a beat passes: each process finds most of what it waits for
    for tap in circuit.taps:
        if tap.stage == DESIGN:
            processes.append(links[tap].process())
    for n, (stage, taps) in enumerate(zip(circuit.stages, circuit.sources, strict=True)):
        outputs = [links[Tap(n, port)] for port in range(len(stage.layer.outputs))]
        processes += stage.layer.timing([links[tap] for tap in taps], outputs)
        processes += [link.process() for link in outputs]
    return links, processes


def _ends(link: Link, frames: int) -> list[int]:
    """When the last beat of each frame is handed over."""
    beats = link.format.beats
    return link.taken.times[beats - 1 : frames * beats : beats]
