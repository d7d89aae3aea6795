"""Between arrays of integers and the beats of a stream, as 32-bit words (the layout of Verilator's wide ports)."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.interface import StreamPort, WeightPort
from rtlnn.layers.stream import StreamFormat

__all__ = ["beat_words", "lane_masks", "pack", "port_format", "unpack", "weight_format"]

BLOCK = 1 << 16  # beats expanded to single bits at a time: bounds the memory


def port_format(port: StreamPort) -> StreamFormat:
    """The format of a top-level port: every value is widened to `element_bits`.

    Of a beat with several whole pixels, these are taken as one: the order of values is the same.
    """
    channels = max(port.shape[2], port.elements)
    return StreamFormat(port.elements, port.element_bits, port.signed, channels, port.frame_elements // channels)


def weight_format(port: WeightPort) -> StreamFormat:
    """The format of a stream of weights: beats of bytes."""
    size = port.tdata_bits // 8
    return StreamFormat(size, 8, False, size, port.beats)


def beat_words(fmt: StreamFormat) -> int:
    """32-bit words a beat."""
    return -(-fmt.width // 32)


def pack(fmt: StreamFormat, frames: NDArray[np.integer], rng: np.random.Generator | None = None) -> NDArray[np.uint32]:
    """Words [beats, words a beat] of `frames`, of any shape [N, ...] with `pixels * channels` values a frame (NHWC).

    Unused lanes are zero, or random with `rng`: they are don't-care, so a design must not look at them.
    Raises `ValueError` if a value does not fit in the format's bits.
    """
    low = -(1 << fmt.bits - 1) if fmt.signed else 0
    high = low + (1 << fmt.bits) - 1
    if frames.size and (frames.min() < low or frames.max() > high):
        raise ValueError(f"values {frames.min()}..{frames.max()} do not fit in {low}..{high}")
    pixels = frames.reshape(-1, fmt.channels)
    lanes = fmt.beats_per_pixel * fmt.elements
    values = np.zeros((len(pixels), lanes), np.uint32)
    values[:, : fmt.channels] = pixels.astype(np.int64) & ((1 << fmt.bits) - 1)
    if rng is not None and lanes > fmt.channels:
        values[:, fmt.channels :] = rng.integers(0, 1 << fmt.bits, (len(pixels), lanes - fmt.channels))
    beats = values.reshape(-1, fmt.elements)
    words = np.zeros((len(beats), beat_words(fmt)), np.uint32)
    if fmt.bits in (8, 16, 32):
        raw = beats.astype(f"<u{fmt.bits // 8}").view(np.uint8).reshape(len(beats), -1)
        words.view(np.uint8)[:, : raw.shape[1]] = raw
        return words
    shifts = np.arange(fmt.bits, dtype=np.uint32)
    for start in range(0, len(beats), BLOCK):
        bits = (beats[start : start + BLOCK, :, None] >> shifts & 1).astype(np.uint8)
        raw = np.packbits(bits.reshape(len(bits), -1), axis=1, bitorder="little")
        words[start : start + BLOCK].view(np.uint8)[:, : raw.shape[1]] = raw
    return words


def unpack(fmt: StreamFormat, words: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Values [N, pixels, channels] of whole frames of beats: the inverse of `pack`; unused lanes are left out."""
    beats = np.empty((len(words), fmt.elements), np.int64)
    raw = np.ascontiguousarray(words).view(np.uint8)
    if fmt.bits in (8, 16, 32):
        size = fmt.elements * fmt.bits // 8
        kind = "i" if fmt.signed else "u"
        beats[:] = np.ascontiguousarray(raw[:, :size]).view(f"<{kind}{fmt.bits // 8}")
    else:
        weights = np.left_shift(1, np.arange(fmt.bits, dtype=np.int64))
        if fmt.signed:
            weights[-1] = -weights[-1]
        for start in range(0, len(words), BLOCK):
            bits = np.unpackbits(raw[start : start + BLOCK], axis=1, count=fmt.width, bitorder="little")
            beats[start : start + BLOCK] = bits.reshape(len(bits), fmt.elements, fmt.bits) @ weights
    pixels = beats.reshape(-1, fmt.pixels, fmt.beats_per_pixel * fmt.elements)
    return np.ascontiguousarray(pixels[:, :, : fmt.channels])


def lane_masks(fmt: StreamFormat) -> NDArray[np.uint32]:
    """Words [beats a pixel, words a beat] with ones in the lanes that carry values."""
    ones = np.full((1, fmt.channels), (1 << fmt.bits) - 1)
    return pack(replace(fmt, signed=False, pixels=1), ones)
