"""Which layers have their weights streamed from external memory, and how they share its bandwidth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, prod

from rtlnn.errors import InputError
from rtlnn.layers.circuit import Stage, WeightStream
from rtlnn.layers.streamed import StreamedConfig, beat_bits
from rtlnn.plan.candidates import Sized
from rtlnn.plan.folding import Folding
from rtlnn.plan.goal import Budget
from rtlnn.plan.tasks import Task

__all__ = [
    "NO_STREAMING",
    "ExternalMemory",
    "Streaming",
    "is_streamable",
    "sparing",
    "streaming_of",
    "weight_streams",
]

_BRAM_BITS, _URAM_BITS = 36 * 1024, 288 * 1024
_FILLED = 0.9
"""How much of the memories on the chip weights can fill: words seldom are as wide as blocks."""
_PADDED = 1.05
"""Bytes of a folding's words and beats against those of its weights that are few enough."""


@dataclass(frozen=True)
class ExternalMemory:
    """Where weights may be streamed from.

    Parameters
    ----------
    channels : bytes a cycle of each memory channel; a layer's weights come through one of them
    batch : the most frames for which weights may come once; of so many or fewer, a power of two
    layers : names of layers whose weights are streamed in any case
    port : the most bytes a cycle for one layer
    """

    channels: tuple[float, ...]
    batch: int = 1
    layers: tuple[str, ...] = ()
    port: float = inf

    @property
    def bandwidth(self) -> float:
        """Bytes a cycle of all channels together."""
        return sum(self.channels)

    def share(self, sizes: Sequence[float]) -> list[tuple[int, float]]:
        """For layers with so many bytes a frame each: its channel, and the cycles in which its bytes come.

        The largest ones first choose the channel that is done first (Graham's rule); those of a channel share it as
        their bytes, so that it bounds all of them alike.
        """
        loads, places = [0.0] * len(self.channels), [0] * len(sizes)
        for n in sorted(range(len(sizes)), key=lambda n: (-sizes[n], n)):
            places[n] = min(range(len(loads)), key=lambda c: ((loads[c] + sizes[n]) / self.channels[c], c))
            loads[places[n]] += sizes[n]
        return [
            (place, max(loads[place] / self.channels[place], size / self.port))
            for place, size in zip(places, sizes, strict=True)
        ]

    def cycles(self, sizes: Sequence[float]) -> float:
        """Until all of these bytes have come."""
        return max((cycles for _, cycles in self.share(sizes)), default=0.0)


@dataclass(frozen=True)
class Streaming:
    """The choice for a network.

    Parameters
    ----------
    layers : names of those whose weights are streamed
    batch : frames for which they come once
    cycles : that the weights take, a frame, at least
    """

    layers: frozenset[str] = frozenset()
    batch: int = 1
    cycles: int = 0


NO_STREAMING = Streaming()
"""All weights stay on the chip."""


def is_streamable(task: Task) -> bool:
    """Whether the task's weights can be streamed: each of them is used once a frame."""
    sizes = prod(task.input.shape[:2]), prod(task.sums.shape[:2]), prod(task.window.kernel)
    return task.is_kernel and task.weights is not None and sizes == (1, 1, 1) and task.groups == 1 and task.pool is None


def streaming_of(
    tasks: Sequence[Task], memory: ExternalMemory | None, budget: Budget, interval: int | None
) -> Streaming:
    """The layers to stream: those that are asked for, and the largest ones until the rest fits on the chip.

    Weights come once for as few frames as the target `interval` allows, else for as many as they may.
    Raises `InputError` where that does not help, for there is no memory, or it is too slow.
    """
    named = {task.name: task for task in tasks}
    if memory:
        for name in memory.layers:
            if name not in named or not is_streamable(named[name]):
                possible = ", ".join(t.name for t in tasks if is_streamable(t)) or "none"
                raise InputError(f"the weights of {name!r} cannot be streamed; those of dense layers can: {possible}")
    bits = {task.name: _weight_bits(task) for task in tasks}
    room = _FILLED * (budget.bram36 * _BRAM_BITS + budget.uram * _URAM_BITS)
    chosen = set(memory.layers) if memory else set()
    left = sum(size for name, size in bits.items() if name not in chosen)
    by_size = sorted((t.name for t in tasks if is_streamable(t)), key=lambda name: -bits[name])
    # small networks lie in LUTs, whatever the budget of blocks
    while (
        left > room and memory and (more := [name for name in by_size if name not in chosen and bits[name] > room / 64])
    ):
        chosen.add(more[0])
        left -= bits[more[0]]
    if not chosen or memory is None:
        return NO_STREAMING
    sizes = [bits[task.name] / 8 for task in tasks if task.name in chosen]
    total, slowest = sum(sizes), memory.cycles(sizes)
    batches = [1 << n for n in range(memory.batch.bit_length())]
    batch = batches[-1]
    if interval is not None:
        batch = next((n for n in batches if slowest / n <= interval), batch)
        if (cycles := slowest / batch) > interval:
            enough = 1 << (ceil(slowest / interval) - 1).bit_length()
            raise InputError(
                f"an interval of {interval:,} cycles cannot be reached: {total / 1e6:,.1f} MB of weights come from "
                f"external memory for every {'frame' if batch == 1 else f'{batch} frames'}, which takes "
                f"{ceil(cycles):,} cycles a frame at {memory.bandwidth:,.1f} bytes a cycle"
                f"{_channels(memory)}; batches of {enough} frames would do (--batch {enough}), or an interval of "
                f"{ceil(cycles):,}"
            )
    return Streaming(frozenset(chosen), batch, ceil(slowest / batch))


def _channels(memory: ExternalMemory) -> str:
    count = len(memory.channels)
    return f" of {count} channels, each layer from one" if count > 1 else ""


def sparing(task: Task, foldings: Sequence[Sized]) -> list[Sized]:
    """Those of a task's foldings of which words and beats are filled up with few bytes; by cycles, as they come."""
    sizes = [_folded_bytes(task, sized.folding) for sized in foldings]
    most = max(_PADDED * _weight_bits(task) / 8, min(sizes))
    return [sized for sized, size in zip(foldings, sizes, strict=True) if size <= most]


def _folded_bytes(task: Task, f: Folding) -> float:
    """Bytes of the weights in whole words and beats, before a kernel is made of the folding."""
    words = -(-task.sums.shape[2] // f.pe) * -(-task.depth // f.lanes)
    bits = f.pe * f.lanes * task.weight_format.bits
    beat = beat_bits(bits)
    return words * -(-bits // beat) * beat / 8


def _weight_bits(task: Task) -> int:
    return 0 if task.weights is None else task.weights.size * task.weight_format.bits


def weight_streams(stages: Sequence[Stage], memory: ExternalMemory | None) -> tuple[WeightStream, ...]:
    """The streams of all layers with streamed weights, in order; without a `memory`, as fast as they are taken."""
    found = [(stage.name, stage.layer) for stage in stages if isinstance(stage.layer, StreamedConfig)]
    places = [(0, 0.0)] * len(found)
    if memory:
        places = memory.share([layer.weight_bytes / layer.batch for _, layer in found])
    return tuple(
        WeightStream(
            name, layer.batch, (layer.weights.beats, max(ceil(layer.batch * cycles), layer.weights.beats)), channel
        )
        for (name, layer), (channel, cycles) in zip(found, places, strict=True)
    )
