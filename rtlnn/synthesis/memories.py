"""Memories of weights and parameters, known by their size: Yosys would take minutes for what is in them."""

from rtlnn.layers.memory_kind import LUTRAM_WORDS, MemoryKind
from rtlnn.layers.rom import rom_resources
from rtlnn.synthesis.arcs import LEVEL
from rtlnn.synthesis.result import Cells
from rtlnn.synthesis.timing import ModuleTiming, Point

__all__ = ["memory_cells", "memory_timing"]


def memory_cells(words: int, bits: int, kind: MemoryKind) -> Cells:
    """What it takes; half block RAMs are those of 18 Kbit."""
    cost = rom_resources(words, bits, kind)
    return Cells(lut=cost.lut, ff=cost.ff, bram36=int(cost.bram36), bram18=int(cost.bram36 % 1 * 2), uram=cost.uram)


def memory_timing(words: int, kind: MemoryKind) -> ModuleTiming:
    """A small one is a LUT behind registers of its address, a single word a constant; all others end in a register."""
    levels = LEVEL if kind is MemoryKind.LUTRAM and 1 < words <= LUTRAM_WORDS else 0
    return ModuleTiming((), {Point("", "addr"): (0, "address")}, {Point("", "data"): (levels, "word")}, ())
