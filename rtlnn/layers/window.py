"""Geometry and folding of sliding windows."""

from dataclasses import dataclass
from enum import Enum
from math import prod

from rtlnn.layers.component import Resources
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.window_cost import window_resources
from rtlnn.ops.window import Window

__all__ = ["Reduction", "WindowConfig", "min_rows"]


class Reduction(Enum):
    """What the steps of one pass sum over."""

    ALL_CHANNELS = "all channels"
    """Convolution, dense: one pass is the whole window; passes go over groups of output channels."""
    PER_CHANNEL = "per channel"
    """Pooling: one pass is the window of one group of channels; passes go over the groups."""


@dataclass(frozen=True)
class WindowConfig:
    """Geometry and folding of a sliding window.

    Pixels enter in NHWC order, `lanes` channels a beat. For every position of the window the reader makes `passes`
    passes of `steps` steps; a step delivers `simd` values: `lanes` channels of one pixel, or of a whole row, column or
    window of the kernel, as `parallel` says.

    Parameters
    ----------
    height, width, channels : of a frame
    bits, signed : of a value
    window : kernel, stride, pads
    pad_value : the integer that stands in for padding
    lanes : channels a beat
    parallel : kernel (rows, columns) read in one step: 1 or the whole kernel, each
    reduction : the order of the steps
    channel_passes : passes a position with `Reduction.ALL_CHANNELS`
    rows : row slots of the buffer, a multiple of parallel[0]; at least the kernel's height
    """

    height: int
    width: int
    channels: int
    bits: int
    signed: bool
    window: Window
    pad_value: int
    lanes: int
    parallel: tuple[int, int]
    reduction: Reduction
    channel_passes: int
    rows: int

    def __post_init__(self) -> None:
        for axis in range(2):
            if self.parallel[axis] not in (1, self.window.kernel[axis]):
                raise ValueError(f"parallel {self.parallel} is neither 1 nor the kernel {self.window.kernel}")
        low = -(1 << self.bits - 1) if self.signed else 0
        if any(self.window.pads) and not low <= self.pad_value < low + (1 << self.bits):
            raise ValueError(f"{self.bits} bits do not hold the value {self.pad_value} of the padding")
        if self.rows < min_rows(self.window, self.parallel[0]) or self.rows % self.parallel[0]:
            raise ValueError(f"{self.rows} row slots do not serve a kernel of {self.window.kernel} by {self.parallel}")

    @property
    def input(self) -> StreamFormat:
        return StreamFormat(self.lanes, self.bits, self.signed, self.channels, self.height * self.width)

    @property
    def groups(self) -> int:
        """Beats a pixel."""
        return -(-self.channels // self.lanes)

    @property
    def simd(self) -> int:
        """Values a step."""
        return self.lanes * self.parallel[0] * self.parallel[1]

    @property
    def output_size(self) -> tuple[int, int]:
        return self.window.output_size((self.height, self.width))

    @property
    def begins_outside(self) -> bool:
        """Whether a frame's first step reads padding alone."""
        top, left = self.window.pads[:2]
        return top >= self.parallel[0] or left >= self.parallel[1]

    @property
    def positions(self) -> int:
        return prod(self.output_size)

    @property
    def kernel_steps(self) -> tuple[int, int]:
        """Steps over the kernel's (rows, columns)."""
        return self.window.kernel[0] // self.parallel[0], self.window.kernel[1] // self.parallel[1]

    @property
    def steps(self) -> int:
        """Steps a pass."""
        inner = self.groups if self.reduction is Reduction.ALL_CHANNELS else 1
        return prod(self.kernel_steps) * inner

    @property
    def passes(self) -> int:
        """Passes a position."""
        return self.channel_passes if self.reduction is Reduction.ALL_CHANNELS else self.groups

    @property
    def cycles(self) -> int:
        """Cycles a frame that the reader is busy."""
        return self.positions * self.passes * self.steps

    @property
    def row_words(self) -> int:
        """Words a row takes in each bank."""
        return -(-self.width // self.parallel[1]) * self.groups

    @property
    def bank_words(self) -> int:
        return self.rows // self.parallel[0] * self.row_words

    @property
    def resources(self) -> Resources:
        return window_resources(self)


def min_rows(window: Window, parallel_rows: int) -> int:
    """Row slots without which the window could not be read: all rows of the kernel, rounded up to whole banks."""
    return -(-window.kernel[0] // parallel_rows) * parallel_rows
