"""What bounds the frames that a layer computes in a second."""

from enum import Enum

from rtlnn.layers.circuit import WeightStream
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.streamed import StreamedConfig

__all__ = ["Bound", "bounds_of"]


class Bound(Enum):
    """What a layer has to do for every frame."""

    ARITHMETIC = "arithmetic"
    """Compute: the steps of all passes."""
    INPUT = "input"
    """Take its input."""
    OUTPUT = "output"
    """Deliver its output."""
    BANDWIDTH = "bandwidth"
    """Read its weights from external memory."""


def bounds_of(layer: StreamingLayer, stream: WeightStream | None) -> dict[Bound, int]:
    """Cycles a frame of everything that `layer` does at once: the largest ones bound it, the first one by name.

    `stream` is that of its weights, where they are streamed.
    """
    kernel = layer.kernel if isinstance(layer, StreamedConfig) else layer
    steps = kernel.window.cycles if isinstance(kernel, KernelConfig) else 0
    result = {
        Bound.ARITHMETIC: steps,
        Bound.INPUT: max(fmt.beats for fmt in layer.frame_inputs),
        Bound.OUTPUT: max(fmt.beats for fmt in layer.outputs),
    }
    if stream is not None:
        result[Bound.BANDWIDTH] = -(-stream.pace[1] // stream.batch)
    if not isinstance(kernel, KernelConfig):
        del result[Bound.ARITHMETIC]
    return result
