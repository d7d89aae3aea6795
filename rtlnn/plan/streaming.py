"""How layers share the bandwidth of the memory that their weights are streamed from."""

from collections.abc import Sequence
from math import ceil

from rtlnn.layers.circuit import Stage, WeightStream
from rtlnn.layers.streamed import StreamedConfig

__all__ = ["weight_cycles", "weight_streams"]


def weight_cycles(layers: Sequence[StreamedConfig], bandwidth: float) -> float:
    """Cycles a frame that the weights of all `layers` take at `bandwidth` bytes a cycle."""
    return sum(layer.weight_bytes / layer.batch for layer in layers) / bandwidth


def weight_streams(stages: Sequence[Stage], bandwidth: float | None) -> tuple[WeightStream, ...]:
    """The streams of all layers with streamed weights, in order; each has its share of the `bandwidth`.

    A share is as the layer's bytes a frame, so that bandwidth bounds all layers alike.
    """
    found = [(stage.name, stage.layer) for stage in stages if isinstance(stage.layer, StreamedConfig)]
    cycles = 0.0 if bandwidth is None else weight_cycles([layer for _, layer in found], bandwidth)
    return tuple(
        WeightStream(name, layer.batch, (layer.weights.beats, max(ceil(layer.batch * cycles), layer.weights.beats)))
        for name, layer in found
    )
