"""What memories cost."""

__all__ = ["LUTRAM_WORDS", "block_rams"]

LUTRAM_WORDS = 64
"""Memories of up to this many words are made of LUTs."""

_ASPECTS = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""(words, bits) of a RAMB36E2 with one read and one write port (UG573); a half block has half the words."""


def block_rams(words: int, bits: int) -> float:
    """RAMB36 blocks of a memory with `words` words of `bits` bits; a half block counts 0.5.

    The fewest over all aspect ratios, each memory tiled by one of them, its rest in half blocks where that suffices.
    """
    best = float("inf")
    for depth, width in _ASPECTS:
        columns = bits / width
        rows = words / depth
        best = min(best, -(-columns // 1) * -(-rows // 0.5) * 0.5)
        # a half block is as wide, and half as deep; or, at full depth, half as wide
        best = min(best, -(-columns // 0.5) * 0.5 * -(-rows // 1))
    return best
