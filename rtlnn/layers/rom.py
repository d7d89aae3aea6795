"""What memories cost."""

from functools import cache

from rtlnn.layers.component import Resources

__all__ = ["LUTRAM_WORDS", "WIDTHS", "block_rams", "lutram", "rom_resources"]

LUTRAM_WORDS = 64
"""Memories of up to this many words are made of LUTs."""

_ASPECTS = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""(words, bits) of a RAMB36E2 with one read and one write port (UG573); a half block has half the words."""
WIDTHS = tuple(sorted({width for _, full in _ASPECTS for width in (full, full // 2) if width}))
"""Bits of a word that blocks and half blocks have."""


@cache
def block_rams(words: int, bits: int) -> float:
    """RAMB36 blocks of a memory with `words` words of `bits` bits; a half block counts 0.5.

    The fewest over all aspect ratios, each memory tiled by one of them, its rest in half blocks where that suffices.
    """
    best = float("inf")
    for depth, width in _ASPECTS:
        columns = bits / width
        rows = words / depth
        best = min(best, -(-columns // 1) * -(-rows // 1))
        # a half block is half as wide and as deep; or, but for the widest, as wide and half as deep
        best = min(best, -(-columns // 0.5) * 0.5 * -(-rows // 1))
        if width < _ASPECTS[0][1]:
            best = min(best, -(-columns // 1) * -(-rows // 0.5) * 0.5)
    return best


def lutram(words: int, bits: int) -> int:
    """LUTs of a memory of LUTs with a write and a read port.

    Eight LUTs hold 32 words of 14 bits or 64 of 7 (UG574); deeper ones need a choice between them.
    """
    if words <= LUTRAM_WORDS // 2:
        return -(-bits // 14) * 8
    blocks = -(-words // LUTRAM_WORDS)
    return -(-bits // 7) * 8 * blocks + bits * -(-(blocks - 1) // 3)


def rom_resources(words: int, bits: int) -> Resources:
    """A read-only memory whose data come two cycles after the address.

    A LUT holds 64 words of one bit, or 32 of two, behind two registers of the address; a block RAM has both registers
    of its own. A single word is a constant.
    """
    if words == 1:
        return Resources()
    if words > LUTRAM_WORDS:
        return Resources(bram36=block_rams(words, bits))
    lut = bits if words > LUTRAM_WORDS // 2 else -(-bits // 2)
    return Resources(lut=lut, ff=2 * (words - 1).bit_length())
