"""What goes over the serial line: shared by the hardware and the host, and described in docs/platforms/open_boards.md.

Both directions are streams of bytes, in which frames lie one after the other without gaps. A packet carries a piece of
a stream with its offset (modulo 2**16), so that a piece that was lost or damaged is asked for, and sent, again; and it
says how far the other direction's stream has arrived, and how much room there is for more.

A packet is: FLAG, header, payload, CRC-32 of both, FLAG. Between the flags FLAG and ESCAPE are sent as ESCAPE and the
byte with the bits of FLIP inverted (RFC 1662). Numbers are little-endian.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "CHUNK",
    "CRC_BYTES",
    "ESCAPE",
    "FLAG",
    "FLIP",
    "OFFSETS",
    "VERSION",
    "Answer",
    "AnswerKind",
    "Hello",
    "Request",
    "RequestKind",
    "stuffed",
    "unstuffed",
]

VERSION = 1
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
CRC_BYTES = 4
OFFSETS = 1 << 16
"""Offsets are modulo this."""
CHUNK = 256
"""Bytes of the longest payload."""


class RequestKind(IntEnum):
    """What the host sends. All but RESET tell by their `ack` which results have arrived."""

    HELLO = 1
    """Who are you?"""
    DATA = 2
    """A piece of the input stream."""
    POLL = 3
    """How far are you?"""
    RESEND = 4
    """Send the results again, from `ack` on."""
    RESET = 5
    """Forget everything: both streams start at offset 0 with whole frames."""


class AnswerKind(IntEnum):
    """What the board sends."""

    HELLO = 0x81
    """The payload is a `Hello`."""
    DATA = 0x82
    """A piece of the output stream."""
    STATUS = 0x83
    """The header says it all."""
    NAK = 0x84
    """A packet was damaged, or there was no room for it: send again, from `ack` on."""
    RESET = 0x85
    """The reset is done."""


@dataclass(frozen=True)
class Request:
    """Header of a packet to the board.

    Parameters
    ----------
    kind : what it is
    offset : of the payload in the input stream
    ack : results have arrived up to here
    """

    kind: RequestKind
    offset: int
    ack: int

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BHH")

    def packet(self, payload: bytes = b"") -> bytes:
        """The whole packet, as it goes over the line."""
        return stuffed(self.LAYOUT.pack(self.kind, self.offset % OFFSETS, self.ack % OFFSETS) + payload)


@dataclass(frozen=True)
class Answer:
    """A packet from the board.

    Parameters
    ----------
    kind : what it is
    offset : of the payload in the output stream; without payload, where the next results begin
    ack : the input stream has arrived up to here
    room : bytes that may be sent beyond `ack`
    errors : damaged packets since the reset, at most 255
    frame_error : the core met a frame of a wrong length
    payload : results
    """

    kind: AnswerKind
    offset: int
    ack: int
    room: int
    errors: int
    frame_error: bool
    payload: bytes = b""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BHHHBB")

    @classmethod
    def of(cls, body: bytes) -> "Answer | None":
        """The packet with the unstuffed bytes `body`; None if it is damaged."""
        size = cls.LAYOUT.size
        if len(body) < size + CRC_BYTES or zlib.crc32(body[:-CRC_BYTES]) != int.from_bytes(body[-CRC_BYTES:], "little"):
            return None
        kind, offset, ack, room, errors, flags = cls.LAYOUT.unpack_from(body)
        if kind not in list(AnswerKind):
            return None
        return cls(AnswerKind(kind), offset, ack, room, errors, bool(flags & 1), body[size:-CRC_BYTES])


@dataclass(frozen=True)
class Hello:
    """What a board says of itself.

    Parameters
    ----------
    build : `design_id` of the build, 8 bytes, the lowest first
    clock_hz : of the core
    input_bytes, output_bytes : of a frame
    input_shape, output_shape : height, width, channels
    input_bits, output_bits : of a value in the stream, 8, 16 or 32
    """

    build: bytes
    clock_hz: int
    input_bytes: int
    output_bytes: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    input_bits: int
    output_bits: int

    MAGIC: ClassVar[bytes] = b"rtlnn"
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<5sB8sIII3I3IBB")

    def to_bytes(self) -> bytes:
        sheet = (*self.input_shape, *self.output_shape, self.input_bits, self.output_bits)
        sizes = self.clock_hz, self.input_bytes, self.output_bytes
        return self.LAYOUT.pack(self.MAGIC, VERSION, self.build, *sizes, *sheet)

    @classmethod
    def of(cls, payload: bytes) -> "Hello | None":
        """None for what is not a board of this protocol version."""
        if len(payload) != cls.LAYOUT.size:
            return None
        magic, version, build, clock, taken, given, *sheet = cls.LAYOUT.unpack(payload)
        if (magic, version) != (cls.MAGIC, VERSION):
            return None
        return cls(build, clock, taken, given, tuple(sheet[:3]), tuple(sheet[3:6]), sheet[6], sheet[7])


def stuffed(body: bytes) -> bytes:
    """The packet around `body`."""
    result = bytearray([FLAG])
    for byte in body + zlib.crc32(body).to_bytes(CRC_BYTES, "little"):
        result += bytes([ESCAPE, byte ^ FLIP]) if byte in (FLAG, ESCAPE) else bytes([byte])
    return bytes([*result, FLAG])


def unstuffed(body: bytes) -> bytes:
    """What is between two flags, as it was."""
    result, escaped = bytearray(), False
    for byte in body:
        if byte == ESCAPE:
            escaped = True
        else:
            result.append(byte ^ FLIP if escaped else byte)
            escaped = False
    return bytes(result)
