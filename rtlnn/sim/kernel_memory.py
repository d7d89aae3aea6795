"""The memory of a simulated kernel: two regions at addresses above 4 GiB, with guards around them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import StreamPort

__all__ = ["Ddr", "Region", "empty_region", "load_frames", "place_bytes", "place_frames", "place_words", "stride"]

WORD_BYTES = 64
PAGE = 4096
UNTOUCHED = 0xEE


@dataclass(frozen=True)
class Region:
    """Bytes from `base` on."""

    base: int
    data: bytearray = field(repr=False)

    def holds(self, address: int, length: int) -> bool:
        return self.base <= address and address + length <= self.base + len(self.data)


@dataclass(frozen=True)
class Ddr:
    """What the AXI slaves of both buses read and write; an access elsewhere is answered with an error."""

    regions: tuple[Region, ...]

    def _find(self, address: int, length: int) -> Region:
        for region in self.regions:
            if region.holds(address, length):
                return region
        raise ValueError(f"no memory at {address:#x}")

    async def read(self, address: int, length: int) -> bytes:
        region = self._find(address, length)
        return bytes(region.data[address - region.base :][:length])

    async def write(self, address: int, data: bytes) -> None:
        region = self._find(address, len(data))
        region.data[address - region.base : address - region.base + len(data)] = data


def stride(port: StreamPort) -> int:
    """Bytes from one frame to the next in memory."""
    return -(-port.frame_bytes // WORD_BYTES) * WORD_BYTES


def place_frames(base: int, port: StreamPort, frames: NDArray[np.integer], rng: np.random.Generator) -> Region:
    """A region at `base` with frames [N, ...], garbage in the gaps behind them, and nothing else: reads beyond fail."""
    rows = np.ascontiguousarray(frames.reshape(len(frames), -1)).astype(f"<{port.dtype}").view(np.uint8)
    memory = rng.integers(0, 256, (len(frames), stride(port)), dtype=np.uint8)
    memory[:, : rows.shape[1]] = rows
    return Region(base, bytearray(memory.tobytes()))


def place_words(base: int, words: NDArray[np.uint64]) -> Region:
    """A region at `base` with words of 8 bytes, and nothing behind the 64 bytes in which they end."""
    return Region(base, bytearray(np.pad(words, (0, -len(words) % (WORD_BYTES // 8))).astype("<u8").tobytes()))


def place_bytes(base: int, data: NDArray[np.uint8]) -> Region:
    """The same with bytes."""
    return Region(base, bytearray(np.pad(data.ravel(), (0, -data.size % WORD_BYTES)).tobytes()))


def empty_region(base: int, port: StreamPort, frames: int) -> Region:
    """Room for `frames` result frames at `base + PAGE`, with a page before and one behind them."""
    return Region(base, bytearray([UNTOUCHED]) * (frames * stride(port) + 2 * PAGE))


def load_frames(region: Region, port: StreamPort, frames: int) -> NDArray[np.int64]:
    """Values [N, elements] that the kernel wrote to an `empty_region`.

    Raises `AssertionError` if it wrote outside of the frames.
    """
    size = frames * stride(port)
    memory = np.frombuffer(bytes(region.data), np.uint8)
    before, inside, behind = memory[:PAGE], memory[PAGE : PAGE + size], memory[PAGE + size :]
    assert (before == UNTOUCHED).all(), "bytes before the result frames were written"
    assert (behind == UNTOUCHED).all(), "bytes behind the result frames were written"
    rows = np.ascontiguousarray(inside.reshape(frames, stride(port))[:, : port.frame_bytes])
    return rows.view(f"<{port.dtype}").astype(np.int64)
