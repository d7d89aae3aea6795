"""What a memory is made of."""

from enum import Enum

__all__ = ["LUTRAM_WORDS", "MemoryKind"]

LUTRAM_WORDS = 64
"""Memories of up to this many words are made of LUTs where nothing else is asked for."""


class MemoryKind(Enum):
    """What holds the words of a read-only memory."""

    LUTRAM = "lutram"
    """LUTs: 64 words of a bit each."""
    BRAM = "bram"
    """Block RAM, with its first contents in the bitstream."""
    URAM = "uram"
    """UltraRAM: 4,096 words of 72 bits each, and no contents before they are loaded."""

    @classmethod
    def of(cls, words: int) -> "MemoryKind":
        """Where nothing else is asked for."""
        return cls.LUTRAM if words <= LUTRAM_WORDS else cls.BRAM
