"""Packed products in integers: the lanes are apart for all operands, and as full as they can be."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, pairwise, product

import numpy as np
import pytest

from rtlnn.ir.types import Array
from rtlnn.layers.lane_sums import Operand, SortedSums, WeightSums, WorstSums, even_lengths
from rtlnn.layers.mac_column import Accumulation, Chains
from rtlnn.layers.mac_packed import PackedMacConfig, Sharing
from rtlnn.layers.packing import ArraySize, pack, spacing_of

Rng = np.random.Generator
Triples = Sequence[tuple[int, int, int]]
"""(shared, low, high) of every product of a sum."""


def _wrapped(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _lanes(products: Triples, spacing: int) -> tuple[int, int]:
    """What the slices and the split after them do, width by width: the low and the high sum."""
    p = 1 << spacing - 1
    for shared, low, high in products:
        ad = _wrapped(_wrapped(high << spacing, 27) + low, 27)
        p = _wrapped(p + ad * _wrapped(shared, 18), 48)
    return _wrapped(p ^ 1 << spacing - 1, spacing), p >> spacing


def _sums(products: Triples) -> tuple[int, int]:
    return sum(x * low for x, low, _ in products), sum(x * high for x, _, high in products)


def _operands() -> Iterator[tuple[Operand, Operand]]:
    """All widths, for activations and weights; formats, and formats without their least value."""
    for x_bits, x_signed, w_bits, narrow in product(range(1, 19), (False, True), range(2, 11), (False, True)):
        w = Operand.of(w_bits, True)
        yield Operand.of(x_bits, x_signed), Operand(w_bits, True, w.lo + narrow, w.hi)


def _extremes(shared: Operand, packed: Operand, products: int) -> Iterator[Triples]:
    """Sums of one and the same triple of ends: no other sum is further out."""
    for x, low, high in product((shared.lo, shared.hi), (packed.lo, packed.hi), (packed.lo, packed.hi)):
        yield [(x, low, high)] * products


@pytest.mark.parametrize("sharing", [Sharing.CHANNELS, Sharing.POSITIONS])
def test_lanes_are_apart_at_the_extremes_of_all_widths(sharing: Sharing) -> None:
    """With as many products as a lane holds; and one more does not fit."""
    spacings = set()
    for x, w in _operands():
        packed, shared = (w, x) if sharing is Sharing.CHANNELS else (x, w)
        size = ArraySize(2, 24, 32, 1, 3) if sharing is Sharing.CHANNELS else ArraySize(1, 24, 32, 2, 3)
        config = pack(size, x, w)
        if config is None or config.sharing is Sharing.NONE:
            continue
        assert config.sharing is sharing
        k = config.spacing
        spacings.add(k)
        for high, low in product((packed.lo, packed.hi), repeat=2):
            assert -(1 << 26) <= high << k < 1 << 26
            assert -(1 << 26) <= (high << k) + low < 1 << 26
        assert shared.lo >= -(1 << 17)
        assert shared.hi < 1 << 17
        most = max(config.lengths) * (3 if config.accumulation is Accumulation.SLICE else 1)
        for chain in _extremes(shared, packed, most):
            assert _lanes(chain, k) == _sums(chain)
            assert all(-(1 << config.sum_bits - 1) <= s < 1 << config.sum_bits - 1 for s in _sums(chain))
        worst = max(abs(s) for chain in _extremes(shared, packed, 1) for s in _sums(chain))
        too_many = (1 << k - 1) // worst + 1
        if too_many < 300:
            assert any(_lanes(chain, k) != _sums(chain) for chain in _extremes(shared, packed, too_many))
    assert {16, 17, 18, 19, 20, 21, 22} <= spacings


@pytest.mark.parametrize(
    ("operand", "spacing"),
    [
        (Operand.of(8, True), 18), (Operand(8, True, -127, 127), 19), (Operand.of(7, True), 19),
        (Operand.of(8, False), 18), (Operand(8, False, 0, 127), 19), (Operand.of(2, True), 24),
        (Operand.of(16, True), 10),
    ],
)  # fmt: skip
def test_spacing(operand: Operand, spacing: int) -> None:
    assert spacing_of(operand) == spacing


def test_chains_of_eight_bits() -> None:
    """The lengths that the literature gives for the worst case of the formats."""
    weights = Operand.of(8, True), Operand(8, True, -127, 127)
    lengths = [
        max(config.lengths)
        for w, signed in product(weights, (False, True))
        if (config := pack(ArraySize(2, 640, 32), Operand.of(8, signed), w))
    ]
    assert lengths == [4, 7, 8, 16]


@pytest.mark.parametrize("x", [Operand.of(2, False), Operand.of(2, True)])
def test_lanes_are_apart_for_all_small_operands(x: Operand) -> None:
    """Every longest chain of 2-bit weights and activations at a spacing of 5; the order of a sum does not matter."""
    w = Operand.of(2, True)
    worst = WorstSums(x, w, 1)
    length = max(n for n in range(1, 20) if worst.of_step((n,)).fit(5))
    assert length == (2 if not x.signed else 3)
    x_all, w_all = range(x.lo, x.hi + 1), range(w.lo, w.hi + 1)
    for chain in combinations_with_replacement(product(x_all, w_all, w_all), length):
        assert _lanes(chain, 5) == _sums(chain)


def test_wide_operands_have_slices_of_their_own() -> None:
    x, w = Operand.of(16, True), Operand.of(16, True)
    config = pack(ArraySize(3, 20, 48, steps=50), x, w)
    assert config
    assert (config.sharing, config.lengths, config.resources.dsp) == (Sharing.NONE, (20,), 60)
    assert config.accumulation is Accumulation.SLICE
    assert pack(ArraySize(2, 1, 48), Operand.of(18, False), w) is None
    assert pack(ArraySize(2, 1, 48), Operand.of(18, True), w) is not None
    assert pack(ArraySize(2, 1, 48), x, Operand.of(28, True)) is None


def test_what_takes_fewer_slices_is_shared() -> None:
    x, w = Operand.of(8, False), Operand.of(8, True)

    def chosen(pe: int, positions: int) -> PackedMacConfig:
        config = pack(ArraySize(pe, 4, 24, positions), x, w)
        assert config is not None
        assert config.resources.dsp == 4 * len(config.columns)
        return config

    assert (chosen(4, 2).sharing, len(chosen(4, 2).columns)) == (Sharing.CHANNELS, 4)
    assert (chosen(3, 2).sharing, len(chosen(3, 2).columns)) == (Sharing.POSITIONS, 3)
    assert (chosen(3, 5).sharing, len(chosen(3, 5).columns)) == (Sharing.POSITIONS, 9)
    assert len(chosen(1, 1).lengths) == 1


def test_sums_follow_from_the_weights(rng: Rng) -> None:
    """Against every sum with every end of x; the folding-independent bounds are never below."""
    x = Operand(8, True, -3, 120)
    weights = rng.integers(-128, 128, (2, 3, 4, 7))
    exact = WeightSums(weights, x)
    sorted_sums = SortedSums.of(weights.transpose(0, 2, 1, 3).reshape(8, 21), x).folded(3)
    for chains in range(1, 8):
        lengths = even_lengths(7, chains)
        pieces = [weights[..., a:b] for a, b in pairwise(np.cumsum((0, *lengths)))]
        for whole in (False, True):
            axes = (1, 3) if whole else (3,)
            largest = [np.where(p > 0, p * 120, p * -3).sum(axis=axes).reshape(-1, 4).max(axis=0) for p in pieces]
            least = [np.where(p > 0, p * -3, p * 120).sum(axis=axes).reshape(-1, 4).min(axis=0) for p in pieces]
            if not whole:
                largest = [np.where(p > 0, p * 120, p * -3).sum(axis=3).max(axis=(0, 1)) for p in pieces]
                least = [np.where(p > 0, p * -3, p * 120).sum(axis=3).min(axis=(0, 1)) for p in pieces]
            found = exact.of_pass(lengths) if whole else exact.of_step(lengths)
            np.testing.assert_array_equal(found.largest, np.max(largest, axis=0))
            np.testing.assert_array_equal(found.least, np.min(least, axis=0))
            safe = sorted_sums.of_pass(lengths) if whole else sorted_sums.of_step(lengths)
            assert (safe.largest >= found.largest).all()
            assert (safe.least <= found.least).all()


def _chosen(weights: Array, limit: int | None = None) -> PackedMacConfig:
    x, w = Operand.of(8, False), Operand(8, True, -127, 127)
    steps, pe, simd = weights.shape[1:]
    config = pack(ArraySize(pe, simd, 32, steps=steps), x, w, WeightSums(weights, x), limit)
    assert config is not None
    return config


def test_the_actual_weights_decide(rng: Rng) -> None:
    """Low lanes of at most 1028 · 255 make chains of any length; one weight more takes another chain."""
    weights = np.zeros((1, 1, 2, 60), np.int64)
    weights[..., :10], weights[..., 20:30] = 102, -102
    weights[..., 30] = 8
    assert _chosen(weights).lengths == (60,)
    weights[..., 31] = 1
    assert _chosen(weights).lengths == (30, 30)
    assert _chosen(weights, limit=16).lengths == (15, 15, 15, 15)
    # the high lane is wider
    weights[0, 0, 0, 31] = 0
    assert _chosen(weights).lengths == (60,)


def test_passes_that_fit_their_lanes_need_no_accumulator() -> None:
    weights = np.full((2, 20, 2, 10), 5)
    config = _chosen(weights)
    assert (config.accumulation, config.lengths) == (Accumulation.SLICE, (10,))
    weights[:, :, :, 5:] = 7
    assert _chosen(weights).accumulation is Accumulation.SLICE
    assert _chosen(weights).lengths == (5, 5)
    weights = np.full((2, 20, 2, 10), 20)
    assert _chosen(weights).accumulation is Accumulation.FABRIC
    assert _chosen(weights).lengths == (10,)


def test_chains_share_the_inputs() -> None:
    for simd, chains in product(range(1, 30), range(1, 12)):
        if chains > simd:
            continue
        lengths = even_lengths(simd, chains)
        assert (sum(lengths), len(lengths), max(lengths) - min(lengths)) in ((simd, chains, 0), (simd, chains, 1))
        layout = Chains(lengths)
        assert sorted(layout.places) == list(range(simd))
        assert len(layout.stages) == layout.depth
        for delay, stage in enumerate(layout.stages[1:]):
            # each chain goes on with its next input, or begins
            assert {n - 1 for n in stage} - set(layout.stages[delay]) <= {n - 1 for n in np.cumsum((0, *lengths))[:-1]}
        config = PackedMacConfig(3, simd, 8, False, 8, 24, lengths, 19, 19)
        assert [len(s.order) for s in config.slices] == list(config.slice_sizes)
        assert sorted(key for s in config.slices for key in s.order) == sorted(product(range(3), range(simd)))
