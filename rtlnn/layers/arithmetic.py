"""What a chip's multipliers can do: bodies are chosen by it, never by a board's name."""

from enum import Enum

__all__ = ["Arithmetic"]


class Arithmetic(Enum):
    """The multiplier that the fabric offers."""

    DSP48E2 = "DSP48E2"
    DSP48E1 = "DSP48E1"
    GENERIC = "GENERIC"
