"""Which layers have their weights streamed from external memory, and how they share its bandwidth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

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
    bandwidth : bytes a cycle
    batch : the most frames for which weights may come once
    layers : names of layers whose weights are streamed in any case
    """

    bandwidth: float
    batch: int = 1
    layers: tuple[str, ...] = ()


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
    image = prod(task.input.shape[:2]), prod(task.sums.shape[:2])
    return task.is_kernel and task.weights is not None and image == (1, 1) and task.groups == 1 and task.pool is None


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
    total = sum(bits[name] for name in chosen) / 8
    batch = memory.batch
    if interval is not None:
        batch = next((n for n in range(1, memory.batch + 1) if total / n / memory.bandwidth <= interval), memory.batch)
        if (cycles := total / batch / memory.bandwidth) > interval:
            enough = ceil(total / memory.bandwidth / interval)
            raise InputError(
                f"an interval of {interval:,} cycles cannot be reached: {total / 1e6:,.1f} MB of weights come from "
                f"external memory for every {'frame' if batch == 1 else f'{batch} frames'}, which takes "
                f"{ceil(cycles):,} cycles a frame at {memory.bandwidth:,.1f} bytes a cycle; batches of {enough} frames "
                f"would do (--batch {enough}), or an interval of {ceil(cycles):,}"
            )
    return Streaming(frozenset(chosen), batch, ceil(total / batch / memory.bandwidth))


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


def weight_streams(stages: Sequence[Stage], bandwidth: float | None) -> tuple[WeightStream, ...]:
    """The streams of all layers with streamed weights, in order; each has its share of `bandwidth` bytes a cycle.

    A share is as the layer's bytes a frame, so that bandwidth bounds all layers alike.
    """
    found = [(stage.name, stage.layer) for stage in stages if isinstance(stage.layer, StreamedConfig)]
    total = sum(layer.weight_bytes / layer.batch for _, layer in found)
    cycles = total / bandwidth if bandwidth else 0.0
    return tuple(
        WeightStream(name, layer.batch, (layer.weights.beats, max(ceil(layer.batch * cycles), layer.weights.beats)))
        for name, layer in found
    )
