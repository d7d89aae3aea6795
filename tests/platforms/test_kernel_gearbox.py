"""Words to beats and back: every ratio of widths, ragged frame ends, stalls, and the promised rate."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import Component
from amaranth.sim import Simulator

from rtlnn.platforms.gearbox import Packer, Unpacker, check_sizes

WORD = 8  # bytes; the real shell has 64, where the arithmetic is the same

SIZES = [
    (1, 1),
    (1, 8),
    (1, 9),
    (2, 6),
    (3, 3),
    (3, 24),
    (3, 33),
    (4, 20),
    (5, 35),
    (6, 12),
    (7, 7),
    (7, 56),
    (8, 8),
    (8, 24),
    (10, 30),
    (12, 12),
    (16, 48),
    (20, 60),
    (23, 46),
]


def words_of(frames: np.ndarray) -> np.ndarray:
    """(frames, bytes) to (words, WORD), padded with zeros."""
    padded = np.pad(frames, ((0, 0), (0, -frames.shape[1] % WORD)))
    return padded.reshape(-1, WORD)


def as_ints(rows: np.ndarray) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in rows]


def run(dut: Component, items: list[int], count: int, gaps: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Pass items through. `gaps`: (cycles, 2) booleans, source and sink pause. Returns items, `last`s and cycles."""
    got: list[int] = []
    lasts: list[int] = []
    cycles: list[int] = []

    async def bench(ctx) -> None:
        position, cycle, offered = 0, 0, False
        while len(got) < count:
            source_pauses, sink_pauses = gaps[cycle % len(gaps)]
            offered = position < len(items) and (offered or not source_pauses)  # an offer is never taken back
            ctx.set(dut.i.valid, offered)
            # a word that is not offered is garbage on purpose
            ctx.set(dut.i.payload, items[position] if offered else (1 << len(dut.i.payload)) - 1)
            ctx.set(dut.o.ready, not sink_pauses)
            if ctx.get(dut.o.valid) and not sink_pauses:
                got.append(ctx.get(dut.o.payload))
                lasts.append(ctx.get(dut.last) if isinstance(dut, Unpacker) else 0)
                cycles.append(cycle)
            if offered and ctx.get(dut.i.ready):
                position, offered = position + 1, False
            await ctx.tick()
            cycle += 1
            assert cycle < 60 * (len(items) + count) + 100, "stuck"

    m = Module()
    m.submodules.dut = dut
    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    return got, lasts, cycles


@pytest.mark.parametrize("stalls", [False, True], ids=["free", "stalls"])
@pytest.mark.parametrize(("beat", "frame"), SIZES)
def test_unpacker(beat: int, frame: int, stalls: bool, rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (7, frame), dtype=np.uint8)
    words = words_of(frames)
    # what lies between frames in memory is anyone's
    if frame % WORD:
        words.reshape(7, -1)[:, frame:] = rng.integers(1, 256, (7, -frame % WORD), dtype=np.uint8)
    beats = as_ints(frames.reshape(-1, beat))
    gaps = rng.random((997, 2)) < (0.4 if stalls else 0)
    got, lasts, cycles = run(Unpacker(WORD, beat, frame), as_ints(words), len(beats), gaps)
    assert got == beats
    assert lasts == ([0] * (frame // beat - 1) + [1]) * 7
    if not stalls:
        per_frame = max(frame // beat, -(-frame // WORD))
        assert cycles[-1] - cycles[frame // beat - 1] == 6 * per_frame
        if beat <= WORD:
            assert cycles == list(range(cycles[0], cycles[0] + len(beats))), "a bubble between beats"


@pytest.mark.parametrize("stalls", [False, True], ids=["free", "stalls"])
@pytest.mark.parametrize(("beat", "frame"), SIZES)
def test_packer(beat: int, frame: int, stalls: bool, rng: np.random.Generator) -> None:
    count = 25
    frames = rng.integers(0, 256, (count, frame), dtype=np.uint8)
    words = as_ints(words_of(frames))
    gaps = rng.random((997, 2)) < (0.4 if stalls else 0)
    beats = as_ints(frames.reshape(-1, beat))
    got, _, cycles = run(Packer(WORD, beat, frame), beats, len(words), gaps)
    assert got == words
    if not stalls:
        # the last word cannot be earlier than the cycle after the last beat, nor than one word a cycle allows
        assert cycles[-1] <= max(len(beats), len(words)) + -(-beat // WORD) + 2


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="not a whole number of beats"):
        check_sizes(8, 3, 10)
    with pytest.raises(ValueError, match="positive"):
        check_sizes(8, 0, 10)
