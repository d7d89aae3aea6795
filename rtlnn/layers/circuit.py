"""Layers joined by streams: a directed graph without cycles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm

from rtlnn.layers.component import MemoryPort, StreamingLayer
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.weight_loader import LoaderConfig

__all__ = ["DESIGN", "Circuit", "Stage", "Tap", "WeightStream"]

DESIGN = -1
"""In place of a stage's number: the design itself, of which the inputs come."""


@dataclass(frozen=True)
class Stage:
    """One layer of a design.

    Parameters
    ----------
    contents : the words of its memories by name (see `StreamingLayer.memories`)
    dies : the number of the die that it is on; of all that a crossing is on, in order; none where that is left open
    """

    name: str
    layer: StreamingLayer
    contents: Mapping[str, Sequence[int]] = field(default_factory=dict)
    dies: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tap:
    """Where a stream comes from: output number `port` of stage number `stage`, or an input of the design."""

    stage: int
    port: int = 0


@dataclass(frozen=True)
class WeightStream:
    """An input of the design that brings the weights of a stage, once for every batch of frames.

    Parameters
    ----------
    stage : its name
    batch : frames that are computed with the same weights before they come again
    pace : (beats, cycles): so many beats come in so many cycles, at most
    channel : number of the memory channel that they come from
    """

    stage: str
    batch: int = 1
    pace: tuple[int, int] = (1, 1)
    channel: int = 0


@dataclass(frozen=True)
class Circuit:
    """Stages, each after all those that feed it.

    Parameters
    ----------
    inputs : formats of the design's inputs: those of its frames, then those of `weights`
    stages : the layers
    sources : for every stage, what feeds each of its inputs
    outputs : what feeds each of the design's outputs
    weights : what the last of the inputs are for
    """

    inputs: tuple[StreamFormat, ...]
    stages: tuple[Stage, ...]
    sources: tuple[tuple[Tap, ...], ...]
    outputs: tuple[Tap, ...]
    weights: tuple[WeightStream, ...] = ()

    @classmethod
    def chain(cls, stages: Sequence[Stage]) -> "Circuit":
        """One stage after the other."""
        sources = tuple((Tap(n - 1),) for n in range(len(stages)))
        return cls(stages[0].layer.inputs, tuple(stages), sources, (Tap(len(stages) - 1),))

    @property
    def taps(self) -> Iterator[Tap]:
        """All streams: the design's inputs, then the stages' outputs."""
        yield from (Tap(DESIGN, port) for port in range(len(self.inputs)))
        for n, stage in enumerate(self.stages):
            yield from (Tap(n, port) for port in range(len(stage.layer.outputs)))

    @property
    def loaded(self) -> list[tuple[Stage, MemoryPort]]:
        """The memories that are filled through the port for weights, in the order in which they come."""
        return [(stage, port) for stage in self.stages for port in stage.layer.memories if port.loaded]

    @property
    def loader(self) -> LoaderConfig | None:
        """What fills them; None where there are none."""
        memories = tuple((port.depth, port.width) for _, port in self.loaded)
        return LoaderConfig(memories, self.frame_inputs, len(self.outputs)) if memories else None

    @property
    def frame_inputs(self) -> int:
        """How many of the inputs bring frames."""
        return len(self.inputs) - len(self.weights)

    @property
    def batch(self) -> int:
        """Frames come out in multiples of so many."""
        return lcm(*(stream.batch for stream in self.weights))

    def format(self, tap: Tap) -> StreamFormat:
        return self.inputs[tap.port] if tap.stage == DESIGN else self.stages[tap.stage].layer.outputs[tap.port]

    @property
    def output_formats(self) -> tuple[StreamFormat, ...]:
        return tuple(self.format(tap) for tap in self.outputs)

    def name(self, tap: Tap) -> str:
        """For messages."""
        return f"input {tap.port}" if tap.stage == DESIGN else self.stages[tap.stage].name

    def verify(self) -> None:
        """Check what every circuit promises.

        Raises `TypeError` if two stages do not fit together, `ValueError` where a stream does not have exactly one
        source and one user, or two stages the same name.
        """
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError(f"two stages have the same name: {names}")
        free = set(self.taps)
        for n, (stage, taps) in enumerate(zip(self.stages, self.sources, strict=True)):
            for tap, sink in zip(taps, stage.layer.inputs, strict=True):
                if tap.stage >= n or tap not in free:
                    raise ValueError(f"{self.name(tap)} cannot feed {stage.name}: it comes later, or feeds another one")
                free.remove(tap)
                source = self.format(tap)
                if not source.same_beats(sink):
                    raise TypeError(f"{self.name(tap)} delivers {source}, {stage.name} takes {sink}")
        if free != set(self.outputs) or len(self.outputs) > len(free):
            raise ValueError(f"streams without a user: {[self.name(tap) for tap in sorted(free, key=str)]}")
