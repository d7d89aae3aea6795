"""Arrays to beats and back."""

from dataclasses import replace

import numpy as np
import pytest

from rtlnn.emit.interface import StreamPort
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim import packing
from rtlnn.sim.packing import beat_words, lane_masks, pack, port_format, unpack


@pytest.mark.parametrize("bits", [1, 2, 5, 7, 8, 13, 16, 24, 31, 32])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("elements", "channels", "pixels"), [(1, 1, 1), (1, 5, 3), (3, 7, 4), (64, 65, 2), (9, 9, 1)])
def test_round_trip(rng, bits, signed, elements, channels, pixels):
    fmt = StreamFormat(elements, bits, signed, channels, pixels)
    low = -(1 << bits - 1) if signed else 0
    high = low + (1 << bits) - 1
    frames = rng.integers(low, high, (5, pixels, channels), endpoint=True)
    frames[0], frames[1] = low, high
    for garbage in (None, rng):
        words = pack(fmt, frames, garbage)
        assert words.shape == (5 * fmt.beats, beat_words(fmt))
        np.testing.assert_array_equal(unpack(fmt, words), frames)


def test_layout(rng):
    """Element i of a beat at bits [i*b + b - 1 : i*b]; a pixel starts a new beat; masks show the lanes in use."""
    fmt = StreamFormat(elements=3, bits=13, signed=True, channels=5, pixels=2)
    frames = rng.integers(-4096, 4096, (2, 2, 5))
    beats = [sum(int(word) << 32 * i for i, word in enumerate(beat)) for beat in pack(fmt, frames)]
    masks = [sum(int(word) << 32 * i for i, word in enumerate(beat)) for beat in lane_masks(fmt)]
    assert masks == [2**39 - 1, 2**26 - 1]
    for index, values in enumerate(frames.reshape(-1, 5)):
        for half, lanes in enumerate((values[:3], values[3:])):
            want = sum((int(value) & 0x1FFF) << 13 * lane for lane, value in enumerate(lanes))
            assert beats[2 * index + half] == want


def test_blocks_join(rng, monkeypatch):
    """Long streams are expanded in blocks."""
    fmt = StreamFormat(2, 3, True, 5, 7)
    frames = rng.integers(-4, 4, (4, 7, 5))
    whole = pack(fmt, frames)
    monkeypatch.setattr(packing, "BLOCK", 11)
    np.testing.assert_array_equal(pack(fmt, frames), whole)
    np.testing.assert_array_equal(unpack(fmt, whole), frames)


def test_values_must_fit():
    fmt = StreamFormat(1, 4, True, 1, 1)
    for value in (8, -9):
        with pytest.raises(ValueError, match=r"do not fit in -8\.\.7"):
            pack(fmt, np.array([[value]]))
    with pytest.raises(ValueError, match=r"do not fit in 0\.\.15"):
        pack(replace(fmt, signed=False), np.array([[-1]]))


def test_port_format_is_padded():
    port = StreamPort((4, 5, 6), 3, 5, 8, True, 1.0, 0)
    assert port_format(port) == StreamFormat(3, 8, True, 6, 20)
    assert port_format(port).beats == port.beats


def test_beat_of_several_pixels(rng):
    """In the order of the frame, which is that of memory."""
    port = StreamPort((2, 6, 3), 9, 5, 8, True, 1.0, 0)
    fmt = port_format(port)
    assert (fmt.beats, fmt.width) == (port.beats, 72)
    frames = rng.integers(-16, 16, (2, *port.shape))
    words = pack(fmt, frames)
    assert words.view(np.int8)[:, :9].ravel().tolist() == frames.ravel().tolist()
    np.testing.assert_array_equal(unpack(fmt, words).reshape(frames.shape), frames)
