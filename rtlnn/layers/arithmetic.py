"""What a chip's multipliers can do: bodies are chosen by it, never by a board's name."""

from enum import Enum

__all__ = ["Arithmetic", "dsp_slices"]


class Arithmetic(Enum):
    """The multiplier that the fabric offers."""

    DSP48E2 = "DSP48E2"
    """27 by 18 bits behind a pre-adder; adds PCIN, a constant and P at once (UG579)."""
    DSP48E1 = "DSP48E1"
    """25 by 18 bits behind a pre-adder; adds PCIN or a constant (UG479)."""
    GENERIC = "GENERIC"
    """Whatever synthesis makes of a product."""


def dsp_slices(a_bits: int, b_bits: int) -> int:
    """DSP48E2 slices of one product of signed numbers: a multiplier has 27 by 18 bits (UG579).

    A longer number is cut; every piece but the highest is unsigned, and so one bit shorter.
    """

    def pieces(bits: int, width: int) -> int:
        return 1 + max(0, -(-(bits - width) // (width - 1)))

    return min(pieces(a_bits, 27) * pieces(b_bits, 18), pieces(a_bits, 18) * pieces(b_bits, 27))
