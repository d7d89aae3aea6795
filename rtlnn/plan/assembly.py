"""From layers to a circuit: guards, forks, queues, width converters, output registers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import Resources, StreamingLayer
from rtlnn.layers.concat import ConcatConfig
from rtlnn.layers.crossing import CrossingConfig
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.fork import ForkConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.rom import port_resources
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.plan.boundary import boundary, identifier, unused
from rtlnn.plan.links import links_between
from rtlnn.plan.option import Option
from rtlnn.plan.streaming import ExternalMemory, weight_streams
from rtlnn.plan.tasks import Task, origins_of

__all__ = ["Assembly", "Edge", "circuit_resources", "stage_resources"]

_SHELL = "kernel"
"""`<top>_kernel` is the shell's name for the whole."""


@dataclass(frozen=True)
class Edge:
    """An input of a layer at which a queue may be needed: branches part before it, or meet behind it.

    `joins` says that they meet.
    """

    user: str
    port: int
    joins: bool


class Assembly:
    """The layers of a graph and how they are joined; the same for all foldings.

    `dies` are the numbers of the dies that layers are on, by name; none where that is left open.
    `memory` is what weights may be streamed from; None for one that is never slower than the layers.

    Raises `InputError` for an input that nothing reads.
    """

    def __init__(
        self,
        graph: Graph,
        tasks: Sequence[Task],
        dies: Mapping[str, int] | None = None,
        memory: ExternalMemory | None = None,
    ) -> None:
        self.graph, self.tasks, self.dies, self.memory = graph, tasks, dies or {}, memory
        origins = origins_of(graph)
        self.results = [origins[value] for value in graph.outputs]
        users = Counter([*(value for task in tasks for value in task.sources), *self.results])
        self.users: Mapping[str, int] = users
        for value in graph.inputs:
            if not users[value]:
                raise InputError(f"nothing in the hardware reads the input {value!r}; take it out of the model")

    def on(self, dies: Mapping[str, int]) -> "Assembly":
        """The same with its layers on these dies."""
        return Assembly(self.graph, self.tasks, dies, self.memory)

    @property
    def edges(self) -> list[Edge]:
        """Where queues may be needed."""
        return [
            Edge(task.name, port, len(task.sources) > 1)
            for task in self.tasks
            for port, value in enumerate(task.sources)
            if self.users[value] > 1 or len(task.sources) > 1
        ]

    def entry(self, value: str, wanted: Sequence[StreamFormat]) -> StreamFormat:
        """The format of an input of the graph: as many elements a beat as its fastest user takes."""
        return boundary(self.graph.types[value], max((fmt.elements for fmt in wanted), default=1))

    def circuit(
        self,
        options: Sequence[Option],
        depths: Mapping[Edge, int] | None = None,
        contents: bool = False,
        blocks: bool = True,
    ) -> Circuit:
        """All stages between the graph's inputs and outputs.

        `depths` of the queues, 0 or none where there is none; `contents` of memories only if they will be emitted;
        `blocks` says whether deep queues are in block RAM.
        """
        return _Build(self, options, depths or {}, contents, blocks).circuit


@dataclass
class _Build:
    """One circuit in the making.

    Parameters
    ----------
    free : for every value, its streams without a user
    die : what is added now is on this one
    """

    assembly: Assembly
    options: Sequence[Option]
    depths: Mapping[Edge, int]
    contents: bool
    blocks: bool
    stages: list[Stage] = field(default_factory=list)
    sources: list[tuple[Tap, ...]] = field(default_factory=list)
    free: dict[str, list[Tap]] = field(default_factory=dict)
    inputs: list[StreamFormat] = field(default_factory=list)
    die: int | None = None

    def __post_init__(self) -> None:
        graph, single = self.assembly.graph, len(self.assembly.graph.outputs) == 1
        self.names = ["frame_guard", "output_register", "weight_loader", _SHELL]
        for number, value in enumerate(graph.inputs):
            self._enter(number, value)
        for option in self.options:
            task, layer = option.task, option.layer
            name = self._named(task.name)
            self.die = self.assembly.dies.get(task.name)
            taps = [
                self._feed(self.free[value].pop(0), fmt, name, Edge(task.name, port, len(task.sources) > 1), layer)
                for port, (value, fmt) in enumerate(zip(task.sources, layer.frame_inputs, strict=True))
            ]
            if isinstance(layer, StreamedConfig):
                taps.append(Tap(DESIGN, len(self.inputs)))
                self.inputs.append(layer.weights)
            self._add(name, layer, taps, option.contents() if self.contents else {})
            self._offer(task.result, name)
        outputs = []
        for value, source in zip(graph.outputs, self.assembly.results, strict=True):
            tap = self.free[source].pop(0)
            self.die = self._die(tap)
            target = boundary(graph.types[value], self._format(tap).elements)
            name = "output" if single else self._named(f"{value}_output")
            tap = self._through(tap, target, name)
            outputs.append(self._add(f"{name}_register", SkidConfig(target), [tap]))
        weights = weight_streams(self.stages, self.assembly.memory)
        self.circuit = Circuit(tuple(self.inputs), tuple(self.stages), tuple(self.sources), tuple(outputs), weights)

    def _enter(self, number: int, value: str) -> None:
        """An input with its guard: as many elements a beat as its fastest user takes."""
        wanted = [
            fmt
            for option in self.options
            for source, fmt in zip(option.task.sources, option.layer.frame_inputs, strict=True)
            if source == value
        ]
        fmt = self.assembly.entry(value, wanted)
        gated = any(port.loaded for option in self.options for port in option.layer.memories)
        readers = (option.task.name for option in self.options if value in option.task.sources)
        self.die = next((self.assembly.dies.get(name) for name in readers), None)
        self.inputs.append(fmt)
        single = len(self.assembly.graph.inputs) == 1
        name = "frame_guard" if single else self._named(f"{value}_guard")
        self._add(name, GuardConfig(fmt, gated), [Tap(DESIGN, number)])
        self._offer(value, "input" if single else self._named(value))

    def _named(self, text: str) -> str:
        self.names.append(identifier(text, self.names))
        return self.names[-1]

    def _format(self, tap: Tap) -> StreamFormat:
        return self.stages[tap.stage].layer.outputs[tap.port]

    def _die(self, tap: Tap) -> int | None:
        """Where a stream comes from."""
        return self.stages[tap.stage].dies[-1] if self.stages[tap.stage].dies else None

    def _add(
        self, name: str, layer: StreamingLayer, sources: Sequence[Tap], contents: Mapping[str, Sequence[int]] = {}
    ) -> Tap:
        """A stage; returns its first output."""
        dies: tuple[int, ...] = () if self.die is None else (self.die,)
        if isinstance(layer, CrossingConfig):
            came = self._die(sources[0])
            assert came is not None, "only between dies"
            assert self.die is not None, "only between dies"
            step = 1 if self.die > came else -1
            dies = tuple(range(came, self.die + step, step))
        self.stages.append(Stage(name, layer, contents, dies))
        self.sources.append(tuple(sources))
        return Tap(len(self.stages) - 1)

    def _aside(self, name: str, layer: StreamingLayer, source: Tap) -> Tap:
        """A stage that belongs to another one."""
        self.names.append(unused(name, self.names))
        return self._add(self.names[-1], layer, [source])

    def _offer(self, value: str, name: str) -> None:
        """The last stage makes `value`, for all its users."""
        tap, users = Tap(len(self.stages) - 1), self.assembly.users[value]
        if users > 1:
            tap = self._aside(f"{name}_fork", ForkConfig(self._format(tap), users), tap)
        self.free[value] = [Tap(tap.stage, port) for port in range(users)]

    def _feed(self, tap: Tap, target: StreamFormat, name: str, edge: Edge, user: StreamingLayer) -> Tap:
        """Bring a stream to an input: through a queue, where there is one."""
        guarded = edge.joins and isinstance(self.stages[tap.stage].layer, GuardConfig)
        turns = isinstance(user, ConcatConfig)
        return self._through(tap, target, name, self.depths.get(edge, 0), guarded, turns)

    def _through(
        self, tap: Tap, target: StreamFormat, name: str, depth: int = 0, guarded: bool = False, turns: bool = False
    ) -> Tap:
        came, here = self._die(tap), self.die
        borders = 0 if came is None or here is None else abs(here - came)
        links = links_between(self._format(tap), target, depth, self.blocks, guarded, turns, borders)
        crossings = [n for n, (_, layer) in enumerate(links) if isinstance(layer, CrossingConfig)]
        for n, (ending, layer) in enumerate(links):
            # what comes before the crossing stays on its side
            self.die = came if crossings and n < crossings[0] else here
            tap = self._aside(f"{name}_{ending}", layer, tap)
        self.die = here
        return tap


def stage_resources(stage: Stage) -> Resources:
    """The cost of a layer with its memories."""
    return sum((port_resources(port) for port in stage.layer.memories), stage.layer.resources)


def circuit_resources(circuit: Circuit) -> Resources:
    """The cost of everything, memories included."""
    total = Resources()
    for stage in circuit.stages:
        total = total + stage_resources(stage)
    loader = circuit.loader
    return total + loader.resources if loader else total
