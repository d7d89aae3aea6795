"""The buses of the kernel, as Amaranth signatures (AMBA AXI4, IHI 0022): only what carries information.

The signals that never change (burst type, size, id, ...) are added at the top, in `kernel.py`.
"""

from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Member, Out, Signature

__all__ = [
    "BURST_WORDS",
    "WORD_BITS",
    "WORD_BYTES",
    "Burst",
    "Run",
    "read_signature",
    "to_core",
    "word_stream",
    "write_signature",
]

WORD_BYTES = 64
"""Bytes a beat of the memory buses."""
WORD_BITS = 8 * WORD_BYTES
BURST_WORDS = 64
"""Longest burst: 64 beats of 64 bytes are 4 KiB, the distance that no AXI4 burst may cross."""

Run = data.StructLayout({"address": 64, "frames": 32})
"""One run of a master: the byte address of the first frame, and how many frames."""

Burst = data.StructLayout({"word_address": 58, "words": range(BURST_WORDS + 1)})
"""One burst: the address in words of 64 bytes, and how many words (1 to 64)."""


def word_stream() -> stream.Signature:
    """A stream of memory words, seen from its source."""
    return stream.Signature(WORD_BITS)


def read_signature() -> Signature:
    """AR and R channels, seen from the master."""
    return Signature(
        {
            "araddr": Out(64),
            "arlen": Out(8),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata": In(WORD_BITS),
            "rresp": In(2),
            "rlast": In(1),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )


def to_core(tdata_bits: int) -> dict[str, Member]:
    """What every read master has besides its orders: the channels to memory, the stream to the core, and `error`."""
    return {
        "axi": Out(read_signature()),
        "tdata": Out(tdata_bits),
        "tvalid": Out(1),
        "tready": In(1),
        "tlast": Out(1),
        "error": Out(1),
    }


def write_signature() -> Signature:
    """AW, W and B channels, seen from the master."""
    return Signature(
        {
            "awaddr": Out(64),
            "awlen": Out(8),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata": Out(WORD_BITS),
            "wlast": Out(1),
            "wvalid": Out(1),
            "wready": In(1),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
        }
    )
