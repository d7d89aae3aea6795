"""Choosing how an array packs its products: what a slice's two products share, how far apart, in which chains."""

from collections.abc import Iterator
from dataclasses import dataclass

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.dsp48e2 import HALF_BITS
from rtlnn.layers.lane_sums import LaneSums, Operand, SumRange, WorstSums, even_lengths
from rtlnn.layers.mac_column import P_BITS, Accumulation
from rtlnn.layers.mac_packed import PackedMacConfig, Sharing

__all__ = ["ArraySize", "pack", "spacing_of"]

_AD_BITS = {Arithmetic.DSP48E2: 27, Arithmetic.DSP48E1: 25}
"""The multiplier's operand behind the pre-adder."""
_B_BITS = 18
"""The other one."""


@dataclass(frozen=True)
class ArraySize:
    """What an array has to compute; see `MacConfig`.

    Parameters
    ----------
    steps : steps a pass
    blocks : groups of channels at once
    """

    pe: int
    simd: int
    acc_bits: int
    positions: int = 1
    steps: int = 1
    blocks: int = 1

    @property
    def pairs(self) -> tuple[list[int], list[int]]:
        """The channels in the lower and in the upper lanes; of an odd number the last one has a slice of its own."""
        of_block = self.pe // self.blocks
        low = [n + k for n in range(0, self.pe, of_block) for k in range(0, of_block - 1, 2)]
        return low, [n + 1 for n in low]


def spacing_of(operand: Operand, ad_bits: int = 27) -> int:
    """Bits k by which two of the operand can be packed, so that both lanes are as wide as possible; 0 if none.

    high·2^k + low must fit the `ad_bits` of the pre-adder, and neither lane gains from more than half of P.
    """
    half = 1 << (ad_bits - 1)
    lo, hi = min(operand.lo, 0), max(operand.hi, 0)
    fitting = (k for k in range(P_BITS // 2, 0, -1) if (lo << k) + lo >= -half and (hi << k) + hi < half)
    return next(fitting, 0)


def pack(
    size: ArraySize,
    x: Operand,
    w: Operand,
    sums: LaneSums | None = None,
    limit: int | None = None,
    arithmetic: Arithmetic = Arithmetic.DSP48E2,
    accumulation: Accumulation | None = None,
) -> PackedMacConfig | None:
    """The smallest packed array for activations `x` and weights `w`.

    None if a product is too wide for a slice, or the sums cannot be added up as demanded.

    Parameters
    ----------
    sums : bounds of the sums (default: for all weights within `w`)
    limit : the longest chain; short ones have less latency, but each one more takes adders
    arithmetic : the slices; None is found for those that synthesis chooses
    accumulation : what adds up the steps of a pass (default: the slices where that makes for one more chain at most,
        else adders)
    """
    if arithmetic not in _AD_BITS:
        return None
    if sums is None:
        sums = WorstSums(x, w, size.steps)
    every = (_best(size, x, w, sums, limit or size.simd, sharing, arithmetic, accumulation) for sharing in Sharing)
    return min((c for c in every if c is not None), key=lambda c: c.cost, default=None)


def _best(
    size: ArraySize,
    x: Operand,
    w: Operand,
    sums: LaneSums,
    limit: int,
    sharing: Sharing,
    arithmetic: Arithmetic,
    accumulation: Accumulation | None,
) -> PackedMacConfig | None:
    """The smallest array with this kind of sharing."""
    if not _possible(size, sharing, arithmetic, accumulation):
        return None
    packed, shared = (x, w) if sharing is Sharing.POSITIONS else (w, x)
    ad_bits = _AD_BITS[arithmetic]
    spacing = P_BITS if sharing is Sharing.NONE else spacing_of(packed, ad_bits)
    if spacing == 0 or not _fits(packed, ad_bits) or not _fits(shared, _B_BITS):
        return None

    def config(lengths: tuple[int, ...], range_: SumRange, accumulation: Accumulation) -> PackedMacConfig:
        return PackedMacConfig(
            size.pe, size.simd, x.bits, x.signed, w.bits, size.acc_bits,
            lengths, spacing, range_.bits, sharing, accumulation, size.positions, arithmetic, size.blocks,
        )  # fmt: skip

    for lengths in _splits(size.simd, limit):
        step = sums.of_step(lengths)
        if not _apart(step, spacing, sharing, size):
            continue
        if arithmetic is Arithmetic.DSP48E1 or accumulation in (Accumulation.FABRIC, Accumulation.DUAL):
            return config(lengths, step, accumulation or Accumulation.FABRIC)
        # one chain more costs as much as the accumulators
        more = 1 if accumulation is None else size.simd
        for chains in range(len(lengths), min(len(lengths) + more, size.simd) + 1):
            shorter = even_lengths(size.simd, chains)
            whole = sums.of_pass(shorter)
            if _apart(whole, spacing, sharing, size):
                return config(shorter, whole, Accumulation.SLICE)
        return None if accumulation else config(lengths, step, Accumulation.FABRIC)
    return None


def _possible(size: ArraySize, sharing: Sharing, arithmetic: Arithmetic, accumulation: Accumulation | None) -> bool:
    """Whether there are pairs with this sharing, and slices that add up so."""
    alone = {Sharing.CHANNELS: size.pe == size.blocks, Sharing.POSITIONS: size.positions == 1}
    if alone.get(sharing):
        return False
    if accumulation is Accumulation.DUAL and (sharing is Sharing.NONE or size.acc_bits > HALF_BITS):
        return False
    return accumulation in (None, Accumulation.FABRIC) or arithmetic is Arithmetic.DSP48E2


def _splits(inputs: int, limit: int) -> Iterator[tuple[int, ...]]:
    for chains in range(-(-inputs // limit), inputs + 1):
        yield even_lengths(inputs, chains)


def _fits(operand: Operand, bits: int) -> bool:
    return operand.bits + (not operand.signed) <= bits


def _apart(range_: SumRange, spacing: int, sharing: Sharing, size: ArraySize) -> bool:
    """Whether every lane holds its sums."""
    if sharing is Sharing.CHANNELS:
        low, high = size.pairs
        return range_.fit(spacing, low) and range_.fit(P_BITS - spacing, high)
    return range_.fit(min(spacing, P_BITS - spacing) if sharing is Sharing.POSITIONS else P_BITS)
