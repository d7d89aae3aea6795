"""Chains of layers, as papers write them: shapes, numbers of weights and of multiplications."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

__all__ = ["BatchNorm", "Convolution", "Dense", "Layer", "MaxPool", "Padding", "Relu", "Shape", "Topology", "pads"]

Shape: TypeAlias = tuple[int, int, int]
"""Height, width, channels."""


class Padding(Enum):
    """What lies around an image."""

    VALID = "valid"
    """Nothing: windows stay inside."""
    SAME = "same"
    """Zeros, so that the result has ceil(size / stride) rows and columns; the odd one at the end."""


@dataclass(frozen=True)
class Convolution:
    """`channels` filters of `size` x `size`, stride 1, with biases."""

    channels: int
    size: int
    padding: Padding = Padding.VALID


@dataclass(frozen=True)
class MaxPool:
    """Windows of `size` x `size`, every `stride` pixels."""

    size: int
    stride: int
    padding: Padding = Padding.VALID


@dataclass(frozen=True)
class Dense:
    """All inputs to `outputs` sums, with biases."""

    outputs: int


@dataclass(frozen=True)
class BatchNorm:
    """A scale and a shift for each channel."""


@dataclass(frozen=True)
class Relu:
    """Negative numbers become zero."""


Layer: TypeAlias = Convolution | MaxPool | Dense | BatchNorm | Relu


def pads(size: int, window: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Pixels before and after an axis of `size`."""
    if padding is Padding.VALID:
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Topology:
    """Layers one after the other on images of the shape `input`."""

    input: Shape
    layers: tuple[Layer, ...]

    def shapes(self) -> Iterator[tuple[Layer, Shape, Shape]]:
        """Every layer with the shapes that it takes and gives."""
        before = self.input
        for layer in self.layers:
            after = _result(layer, before)
            yield layer, before, after
            before = after

    @property
    def weights(self) -> int:
        """Weights, without biases."""
        return sum(_weights(layer, before) for layer, before, _ in self.shapes())

    @property
    def macs(self) -> int:
        """Multiplications a frame, of all output pixels, whether a pool uses them or not."""
        return sum(_weights(layer, before) * after[0] * after[1] for layer, before, after in self.shapes())


def _result(layer: Layer, before: Shape) -> Shape:
    if isinstance(layer, Dense):
        return 1, 1, layer.outputs
    if isinstance(layer, (BatchNorm, Relu)):
        return before
    stride = layer.stride if isinstance(layer, MaxPool) else 1
    sizes = (sum(pads(n, layer.size, stride, layer.padding)) + n - layer.size for n in before[:2])
    height, width = (n // stride + 1 for n in sizes)
    return height, width, layer.channels if isinstance(layer, Convolution) else before[2]


def _weights(layer: Layer, before: Shape) -> int:
    """Weights of one output pixel."""
    if isinstance(layer, Dense):
        return before[0] * before[1] * before[2] * layer.outputs
    return layer.size**2 * before[2] * layer.channels if isinstance(layer, Convolution) else 0
