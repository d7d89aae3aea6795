"""AXI4-Stream between layers.

A beat carries `elements` values of `bits` bits, channels fastest (NHWC): element i is `tdata[i*bits +: bits]`.
A pixel starts on a new beat; lanes past a pixel's last channel are don't-care. `tlast` marks a frame's last beat.
`tvalid` never waits for `tready`, and a held beat never changes (AMBA AXI4-Stream, IHI 0051).
"""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["StreamFormat", "StreamSignature", "connect"]


@dataclass(frozen=True)
class StreamFormat:
    """What a stream carries: frames of `pixels` pixels of `channels` values.

    Parameters
    ----------
    elements : values a beat (P)
    bits : bits a value
    signed : two's complement, or unsigned
    channels : values a pixel
    pixels : pixels a frame (1 for a vector)
    """

    elements: int
    bits: int
    signed: bool
    channels: int
    pixels: int

    def __post_init__(self) -> None:
        if min(self.elements, self.bits, self.channels, self.pixels) < 1:
            raise ValueError(f"a stream needs positive sizes, not {self}")
        if self.elements > self.channels:
            raise ValueError(f"{self.elements} elements a beat exceed the {self.channels} channels of a pixel")

    @property
    def width(self) -> int:
        """Bits of `tdata`."""
        return self.elements * self.bits

    @property
    def beats_per_pixel(self) -> int:
        return -(-self.channels // self.elements)

    @property
    def beats(self) -> int:
        """Beats a frame."""
        return self.pixels * self.beats_per_pixel

    def same_beats(self, other: "StreamFormat") -> bool:
        """Whether both put the same elements of a frame into the same lanes of the same beats.

        Equal formats do; so do an image and the vector that it is flattened to, if no pixel ends in unused lanes.
        """
        if self == other:
            return True
        a, b = ((f.elements, f.bits, f.signed, f.channels * f.pixels) for f in (self, other))
        return a == b and self.channels % self.elements == 0 and other.channels % other.elements == 0


class StreamSignature(wiring.Signature):
    """AXI4-Stream members `tdata`, `tvalid`, `tready`, `tlast`, seen from the source; equal only if the formats are."""

    def __init__(self, fmt: StreamFormat) -> None:
        self.format = fmt
        super().__init__({"tdata": Out(fmt.width), "tvalid": Out(1), "tready": In(1), "tlast": Out(1)})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StreamSignature) and self.format == other.format

    def __hash__(self) -> int:
        return hash(self.format)


def connect(m: Module, source: Any, sink: Any) -> None:
    """Join a stream source to a sink of the *same* format (`wiring.connect` would compare widths alone).

    Raises `TypeError` if the formats differ.
    """
    a, b = source.signature, sink.signature
    formats = [s.flip() if isinstance(s, wiring.FlippedSignature) else s for s in (a, b)]
    if formats[0] != formats[1]:
        raise TypeError(f"streams differ: {formats[0].format} feeds {formats[1].format}")
    m.d.comb += [
        sink.tdata.eq(source.tdata),
        sink.tvalid.eq(source.tvalid),
        sink.tlast.eq(source.tlast),
        source.tready.eq(sink.tready),
    ]
