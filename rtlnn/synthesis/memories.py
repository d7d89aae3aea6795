"""Memories of weights and parameters, known by their size: Yosys would take minutes for what is in them."""

from rtlnn.layers.rom import rom_resources
from rtlnn.synthesis.arcs import LEVEL
from rtlnn.synthesis.modules import SourceMemory
from rtlnn.synthesis.result import Cells
from rtlnn.synthesis.timing import ModuleTiming, Point

__all__ = ["memory_cells", "memory_timing"]


def memory_cells(memory: SourceMemory) -> Cells:
    """What it takes; half block RAMs are those of 18 Kbit."""
    cost = rom_resources(memory.words, memory.bits, memory.kind, memory.registered)
    return Cells(lut=cost.lut, ff=cost.ff, bram36=int(cost.bram36), bram18=int(cost.bram36 % 1 * 2), uram=cost.uram)


def memory_timing(memory: SourceMemory) -> ModuleTiming:
    """Without a register of its data it is a LUT behind registers of its address, or, a single word, a constant."""
    levels = LEVEL if memory.words > 1 and not memory.registered else 0
    return ModuleTiming((), {Point("", "addr"): (0, "address")}, {Point("", "data"): (levels, "word")}, ())
