"""What options cost together, in whole numbers, and what changes with a single one of them."""

from collections.abc import Callable, Iterator, Sequence

from rtlnn.layers.component import LayerConfig, Resources
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.fork import ForkConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.weight_loader import LoaderConfig
from rtlnn.plan.amounts import NOTHING, Vector, plus, resources, vector
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.boundary import boundary
from rtlnn.plan.links import links_between
from rtlnn.plan.option import Option

__all__ = ["Costs"]


class Costs:
    """The cost of an assembly without queues, of which the depths are not known yet.

    The same as that of the circuit, but without building it: every part is looked up by the formats that it joins.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._makers = {task.result: n for n, task in enumerate(assembly.tasks)}
        self._readers: dict[str, list[tuple[int, int]]] = {}
        for n, task in enumerate(assembly.tasks):
            for port, value in enumerate(task.sources):
                self._readers.setdefault(value, []).append((n, port))
        self._ends: dict[str, list[str]] = {}
        for value, source in zip(assembly.graph.outputs, assembly.results, strict=True):
            self._ends.setdefault(source, []).append(value)
        self._known: dict[object, Vector] = {}

    def total(self, options: Sequence[Option]) -> Resources:
        """Of the whole."""
        amounts = self._loader(options)
        for option in options:
            amounts = plus(amounts, option.vector)
        for value in (*self._assembly.graph.inputs, *self._makers):
            for part in self._streams(value, options, None):
                amounts = plus(amounts, part)
        return resources(amounts)

    def around(self, n: int, options: Sequence[Option]) -> Vector:
        """Of layer number `n` and all that depends on it, but for what loads memories."""
        task, amounts = self._assembly.tasks[n], options[n].vector
        for value in dict.fromkeys((*task.sources, task.result)):
            whole = value == task.result or value not in self._makers
            for part in self._streams(value, options, None if whole else n):
                amounts = plus(amounts, part)
        return amounts

    def between(self, source: StreamFormat, target: StreamFormat) -> Vector:
        """Of what joins a layer to the next."""
        return self._links(source, target, met_by_guard=False)

    def _streams(self, value: str, options: Sequence[Option], only: int | None) -> Iterator[Vector]:
        """What a value passes from its maker to its users, or on its last way to the user `only`."""
        readers, maker = self._readers.get(value, []), self._makers.get(value)
        if maker is None:
            wanted = [options[n].inputs[port] for n, port in readers]
            fmt = self._assembly.entry(value, wanted)
            gated = any(option.loads for option in options)
            yield self._layer(("guard", fmt, gated), lambda: GuardConfig(fmt, gated))
        else:
            fmt = options[maker].outputs[0]
        users = self._assembly.users[value]
        if users > 1 and only is None:
            yield self._layer(("fork", fmt, users), lambda: ForkConfig(fmt, users))
        for n, port in readers:
            if only in (None, n):
                option = options[n]
                met_by_guard = maker is None and users == 1 and len(option.task.sources) > 1
                yield self._links(fmt, option.inputs[port], met_by_guard)
        if only is None:
            for end in self._ends.get(value, ()):
                target = boundary(self._assembly.graph.types[end], fmt.elements)
                yield self._links(fmt, target, met_by_guard=False)
                yield self._layer(("end", target), lambda target=target: SkidConfig(target))  # type: ignore[misc]

    def _links(self, source: StreamFormat, target: StreamFormat, met_by_guard: bool) -> Vector:
        key = source, target, met_by_guard
        if key not in self._known:
            amounts = NOTHING
            for _, layer in links_between(source, target, met_by_guard=met_by_guard):
                amounts = plus(amounts, vector(layer.resources))
            self._known[key] = amounts
        return self._known[key]

    def _layer(self, key: object, make: Callable[[], LayerConfig | ForkConfig]) -> Vector:
        if key not in self._known:
            self._known[key] = vector(make().resources)
        return self._known[key]

    def _loader(self, options: Sequence[Option]) -> Vector:
        memories = tuple((p.depth, p.width) for o in options for p in o.layer.memories if p.loaded)
        graph = self._assembly.graph
        if not memories:
            return NOTHING
        return vector(LoaderConfig(memories, len(graph.inputs), len(graph.outputs)).resources)
