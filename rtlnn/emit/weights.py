"""Weights that a design is given after its configuration, as they enter its port.

All such memories follow one another, in the order in which they are listed; of each the words from address 0 up, every
word in as many beats of 64 bits as it takes, its lowest bits first. What a word leaves of its last beat is 0.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import InputError
from rtlnn.layers.circuit import Circuit
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.layers.weight_loader import BEAT_BITS

__all__ = [
    "WEIGHTS_FILE",
    "beats_of",
    "load_contents",
    "load_stream",
    "load_weights",
    "read_bytes",
    "stream_bytes",
    "stream_contents",
    "weight_bytes",
]

WEIGHTS_FILE = "weights.bin"
"""In the folder of the memory files: the beats, 8 bytes each, the lowest one first."""


def beats_of(width: int) -> int:
    """Beats that a word of `width` bits takes."""
    return -(-width // BEAT_BITS)


def weight_bytes(memories: Sequence[tuple[int, Sequence[int]]]) -> bytes:
    """The beats of `memories`, each given as the bits of a word and its words."""
    return b"".join(
        word.to_bytes(beats_of(width) * BEAT_BITS // 8, "little") for width, words in memories for word in words
    )


def stream_bytes(layer: StreamedConfig, words: Sequence[int]) -> bytes:
    """The beats of a layer's streamed weights: a word in whole beats, its lowest bits first; what is left over is 0."""
    size = layer.word_beats * layer.beat_bits // 8
    return b"".join(word.to_bytes(size, "little") for word in words)


def stream_contents(circuit: Circuit) -> Iterator[bytes]:
    """The bytes of each stream of weights, in order; none where the contents are left out."""
    for stage in circuit.stages:
        if isinstance(stage.layer, StreamedConfig):
            yield stream_bytes(stage.layer, stage.contents.get("w", ()))


def load_contents(circuit: Circuit) -> bytes:
    """The bytes of all memories that are loaded, in order."""
    return weight_bytes([(port.width, stage.contents[port.name]) for stage, port in circuit.loaded])


def read_bytes(file: Path) -> bytes:
    """The contents of a file of weights. Raises `InputError` if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error}); build again") from None


def load_stream(file: Path, beats: int) -> NDArray[np.uint8]:
    """The beats of a file of streamed weights, [beats, bytes]. Raises `InputError` if it cannot be read."""
    data = np.frombuffer(read_bytes(file), np.uint8)
    if not len(data) or len(data) % beats:
        raise InputError(f"{file} has {len(data):,} bytes, which are not {beats:,} beats; build again")
    return data.reshape(beats, -1)


def load_weights(folder: Path) -> NDArray[np.uint64]:
    """The beats in `folder`. Raises `InputError` if its file cannot be read."""
    return np.frombuffer(read_bytes(folder / WEIGHTS_FILE), "<u8").astype(np.uint64)
