"""What memories cost."""

from functools import cache

from rtlnn.layers.component import MemoryPort, Resources
from rtlnn.layers.memory_kind import LUTRAM_WORDS, MemoryKind

__all__ = [
    "LUTRAM_WORDS",
    "URAM_WIDTH",
    "WIDTHS",
    "block_luts",
    "block_rams",
    "lutram",
    "port_resources",
    "rom_resources",
    "ultra_rams",
]

URAM_WIDTH = 72
_URAM_WORDS = 4096
"""Of an UltraRAM, which has but this one shape (UG573)."""
_ASPECTS = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""(words, bits) of a RAMB36E2 with one read and one write port (UG573); a half block has half the words."""
WIDTHS = tuple(sorted({width for _, full in _ASPECTS for width in (full, full // 2) if width}))
"""Bits of a word that blocks and half blocks have."""


def block_rams(words: int, bits: int) -> float:
    """RAMB36 blocks of a memory with `words` words of `bits` bits; a half block counts 0.5.

    The fewest over all aspect ratios, each memory tiled by one of them, its rest in half blocks where that suffices.
    """
    return _tiled(words, bits)[0]


def block_luts(words: int, bits: int) -> int:
    """LUTs that choose between blocks of which none is as deep as the memory."""
    return bits * -(-(_tiled(words, bits)[1] - 1) // 3)


@cache
def _tiled(words: int, bits: int) -> tuple[float, int]:
    """Blocks, and how many of them are one below the other."""
    best = (float("inf"), 0)
    for depth, width in _ASPECTS:
        columns = bits / width
        rows = words / depth
        deep = -int(-rows // 1)
        best = min(best, (-(-columns // 1) * deep, deep))
        # a half block is half as wide and as deep; or, but for the widest, as wide and half as deep
        best = min(best, (-(-columns // 0.5) * 0.5 * deep, deep))
        if width < _ASPECTS[0][1]:
            best = min(best, (-(-columns // 1) * -(-rows // 0.5) * 0.5, deep))
    return best


def lutram(words: int, bits: int) -> int:
    """LUTs of a memory of LUTs with a write and a read port.

    Eight LUTs hold 32 words of 14 bits or 64 of 7 (UG574); deeper ones need a choice between them.
    """
    if words <= LUTRAM_WORDS // 2:
        return -(-bits // 14) * 8
    blocks = -(-words // LUTRAM_WORDS)
    return -(-bits // 7) * 8 * blocks + bits * -(-(blocks - 1) // 3)


def ultra_rams(words: int, bits: int) -> int:
    """UltraRAMs of a memory with `words` words of `bits` bits, those of more than 4,096 words in cascades."""
    return -(-words // _URAM_WORDS) * -(-bits // URAM_WIDTH)


def port_resources(port: MemoryPort) -> Resources:
    """The cost of the memory behind a port, with all its copies."""
    if port.written and port.kind is MemoryKind.LUTRAM:
        # behind two registers of the address
        return Resources(lut=lutram(port.depth, port.width), ff=2 * port.address_bits)
    total = Resources()
    for _ in range(port.copies):
        total = total + rom_resources(port.depth, port.width, port.kind, port.registered)
    return total


def rom_resources(words: int, bits: int, kind: MemoryKind | None = None, registered: bool = False) -> Resources:
    """A read-only memory whose data come two cycles after the address; `kind` defaults to that for so many words.

    A LUT holds 64 words of one bit, or 32 of two, behind two registers of the address; four LUTs and what joins them
    in their slice hold 256, and deeper ones need a choice before a register of the data in place of one of the address.
    `registered` data have that register in any case. Block RAM and UltraRAM have both registers of their own. A single
    word is a constant, unless it is loaded.
    """
    kind = kind or MemoryKind.of(words)
    if kind is MemoryKind.URAM:
        return Resources(uram=ultra_rams(words, bits))
    if words == 1:
        return Resources()
    if kind is MemoryKind.BRAM:
        return Resources(bram36=block_rams(words, bits))
    if words > LUTRAM_WORDS:
        choices = -(-(-(-words // (4 * LUTRAM_WORDS)) - 1) // 3)
        return Resources(lut=bits * (-(-words // LUTRAM_WORDS) + choices), ff=(words - 1).bit_length() + bits)
    lut = bits if words > LUTRAM_WORDS // 2 else -(-bits // 2)
    address = (words - 1).bit_length()
    return Resources(lut=lut, ff=address + (bits if registered else address))
