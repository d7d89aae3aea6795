"""The geometry of a sliding window, shared by convolution and pooling."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from rtlnn.ir.types import Array

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """A window of `kernel` (height, width) that moves by `stride` over an image with `pads` around it.

    Parameters
    ----------
    kernel, stride : (vertical, horizontal)
    pads : (top, left, bottom, right), in pixels; the last two may be negative: rows and columns that no window reads
    dilation : distance of neighbouring taps, (vertical, horizontal)
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(self.pads[:2]) < 0:
            raise ValueError(
                f"kernel {self.kernel}, stride {self.stride} and dilation {self.dilation} must be positive, pads "
                f"{self.pads} not negative at the top and left"
            )

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns from the first tap to the last one."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    @property
    def padded(self) -> bool:
        """Whether there is anything around the image."""
        return max(self.pads) > 0

    @property
    def disjoint(self) -> bool:
        """Whether every position has pixels of its own, side by side, all of them on the image."""
        apart = all(s >= k for s, k in zip(self.stride, self.kernel, strict=True))
        return apart and not self.padded and self.extent == self.kernel

    def output_size(self, size: tuple[int, ...]) -> tuple[int, int]:
        """(height, width) of the positions. Raises `ValueError` where the window fits nowhere."""
        t, left, b, r = self.pads
        oh = (size[0] + t + b - self.extent[0]) // self.stride[0] + 1
        ow = (size[1] + left + r - self.extent[1]) // self.stride[1] + 1
        if oh < 1 or ow < 1:
            raise ValueError(
                f"a window of {self.extent} does not fit an image of {tuple(size[:2])} with pads {self.pads}"
            )
        return oh, ow

    def _padded(self, x: Array, fill: float) -> Array:
        t, left, b, r = self.pads
        cropped = x[:, : x.shape[1] + min(b, 0), : x.shape[2] + min(r, 0)]
        if not self.padded:
            return cropped
        return np.pad(cropped, ((0, 0), (t, max(b, 0)), (left, max(r, 0)), (0, 0)), constant_values=fill)

    def taps(self, x: Array, fill: float) -> Iterator[Array]:
        """For each tap, row by row, what lies under it in all positions: views [N, OH, OW, C] of x, padded."""
        padded = self._padded(x, fill)
        rows, columns = self.output_size(x.shape[1:3])
        for tap in product(*map(range, self.kernel)):
            (y, x0), (sy, sx) = (tap[0] * self.dilation[0], tap[1] * self.dilation[1]), self.stride
            yield padded[:, y : y + (rows - 1) * sy + 1 : sy, x0 : x0 + (columns - 1) * sx + 1 : sx]

    def view(self, x: Array, fill: float) -> Array:
        """All windows of x [N, H, W, C], padded with `fill`: [N, OH, OW, KH, KW, C]."""
        padded = self._padded(x, fill)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.extent, axis=(1, 2))
        strided = windows[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        return strided.transpose(0, 1, 2, 4, 5, 3)

    def counts(self, size: tuple[int, ...], around: tuple[int, int, int, int] = (0, 0, 0, 0)) -> tuple[Array, Array]:
        """Number of the rows [OH] and columns [OW] of each position that lie on the image, or so far `around` it."""
        out = self.output_size(size)
        result = []
        for axis in range(2):
            start = np.arange(out[axis]) * self.stride[axis] - self.pads[axis]
            taps = start[:, np.newaxis] + np.arange(self.kernel[axis]) * self.dilation[axis]
            result.append(((taps >= -around[axis]) & (taps < size[axis] + around[axis + 2])).sum(axis=1))
        return result[0], result[1]
