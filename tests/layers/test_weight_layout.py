"""Which memories weights lie in: fewer block RAMs, no bit lost, no bit twice."""

from itertools import accumulate

import numpy as np
import pytest

from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.rom import block_rams
from rtlnn.layers.weight_layout import WeightLayout


@pytest.mark.parametrize(
    ("depth", "slices", "blocks", "luts"),
    [
        (1568, (128,) * 8, 57, 10),  # 8 x 7.5 alone; 2 bits of each slice are shared
        (1568, (64,) * 16, 57, 13),  # 16 x 4 alone; 1 bit each
        (512, (72,) * 4, 4, 0),  # nothing is left over
        (512, (36, 37), 1.5, 0),
        (64, (100, 100), 0, 0),  # LUTs
        (1568, (1024,), 57, 0),
        (2048, (19,), 1.5, 0),  # a single slice has nobody to share with
    ],
)
def test_blocks(depth: int, slices: tuple[int, ...], blocks: float, luts: int) -> None:
    layout = WeightLayout.best(depth, slices)
    if blocks:
        assert layout.blocks == blocks
        assert blocks <= sum(block_rams(depth, bits) for bits in slices)
    assert layout.resources.lut == luts
    assert sum(layout.memories.values()) == sum(slices)


@pytest.mark.parametrize(
    ("depth", "slices", "blocks", "rests"),
    [
        (4096, (72,) * 3, 3, 0),
        (4097, (72,) * 3, 6, 0),
        (100, (73, 73, 73, 73), 5, 1),  # one bit of each in a fifth one
        (4000, (128,) * 8, 15, 56),  # 16 alone: the delays cost 280 LUTs
        (4000, (128,) * 40, 80, 0),  # the delays would cost more than is saved
        (4000, (8,) * 5, 1, 8),  # narrow ones are together
        (4000, (48,) * 22, 15, 48),  # 22 alone; 15 for 912 LUTs of delays
        (4000, (48,) * 2, 2, 0),
    ],
)
def test_ultra_rams(depth: int, slices: tuple[int, ...], blocks: int, rests: int) -> None:
    layout = WeightLayout.best(depth, slices, MemoryKind.URAM)
    assert (layout.blocks, set(layout.rests)) == (blocks, {rests})
    assert sum(layout.memories.values()) == sum(slices)


def test_no_rest_where_it_does_not_pay() -> None:
    """Thousands of delayed bits would cost more than the half blocks that they save."""
    assert not any(WeightLayout.best(512, (36 * 9 + 30,) * 40).rests)


@pytest.mark.parametrize("rests", [(4, 0, 2), (12, 0, 2), (12, 9, 5)])
def test_contents(rests: tuple[int, ...], rng: np.random.Generator) -> None:
    layout = WeightLayout(70, (12, 9, 5), rests, MemoryKind.BRAM)
    words = [[int(w) for w in rng.integers(0, 1 << bits, layout.depth)] for bits in layout.slices]
    found = layout.contents(words)
    own = [f"weight{n}" for n in range(3) if layout.slices[n] > rests[n]]
    assert list(found) == list(layout.memories) == [*own, "weight_rest"]
    assert all(max(w).bit_length() <= layout.memories[name] for name, w in found.items())
    for n, begin in enumerate(accumulate(layout.rests[:-1], initial=0)):
        own_bits = layout.slices[n] - layout.rests[n]
        rest = [w >> begin & ((1 << layout.rests[n]) - 1) for w in found["weight_rest"]]
        lows = found.get(f"weight{n}", [0] * layout.depth)
        assert [low | high << own_bits for low, high in zip(lows, rest, strict=True)] == words[n]
