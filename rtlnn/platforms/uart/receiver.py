"""Takes packets from the line, checks them, and keeps the pieces of the input stream."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.platforms.uart.protocol import CRC_BYTES, ESCAPE, FLAG, FLIP, Request, RequestKind

__all__ = ["PacketReceiver"]

_HEADER = Request.LAYOUT.size


class PacketReceiver(wiring.Component):
    """Packets in, the input stream out.

    A payload is written to the buffer as it comes, and counts once the packet was found whole and next in order. The
    bytes of the CRC are written behind it, and never count.

    Parameters
    ----------
    size : bytes of the buffer, a power of two
    timeout : cycles between two bytes of a packet after which it is given up

    Members
    -------
    data, valid, fault : in, from the line
    done : out, a packet has ended, for one cycle, with the next ones:
    good : out, it was whole, and there was room for it
    kind, ack : out, of its header
    arrived : out, offset of the next byte of the input stream
    room : out, bytes that the buffer can take, CRC aside
    o : out, the input stream, a byte at a time
    """

    def __init__(self, size: int, timeout: int) -> None:
        if size & (size - 1) or not CRC_BYTES < size < 1 << 15:
            raise ValueError(f"the buffer must have a power of two of bytes, not {size}")
        self.size, self.timeout = size, timeout
        super().__init__(
            {
                **{"data": In(8), "valid": In(1), "fault": In(1)},
                **{"done": Out(1), "good": Out(1), "kind": Out(8), "ack": Out(16)},
                **{"arrived": Out(16), "room": Out(16, init=size - CRC_BYTES), "o": Out(stream.Signature(8))},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        m.submodules.memory = memory = Memory(shape=8, depth=self.size, init=[])
        write, read = memory.write_port(), memory.read_port()

        header, written, taken = Signal(8 * _HEADER), Signal(16), Signal(16)
        kind, offset, ack = header[:8], header[8:24], header[24:40]
        least = _HEADER + CRC_BYTES
        count, escaped, bad, full = Signal(range(least + 1)), Signal(), Signal(), Signal()
        silence = Signal(range(self.timeout))
        value, plain, ended = Signal(8), Signal(), Signal()
        is_flag = self.data == FLAG
        late = silence == self.timeout - 1
        m.d.comb += [
            value.eq(self.data ^ (escaped * FLIP)),
            plain.eq(self.valid & ~is_flag & (self.data != ESCAPE)),
            ended.eq(((self.valid & is_flag) | late) & (count != 0)),
            full.eq((written - taken)[: self.size.bit_length()][-1]),
            crc.data.eq(value),
            crc.valid.eq(plain),
            crc.start.eq(self.valid & is_flag),
            write.addr.eq(written),
            write.data.eq(value),
            write.en.eq(plain & (count >= _HEADER) & ~full),
            self.kind.eq(kind),
            self.ack.eq(ack),
        ]
        m.d.sync += [
            self.done.eq(ended),
            self.good.eq(~bad & ~late & ~escaped & (count == least) & crc.match_detected),
            silence.eq(silence + 1),
            self.room.eq(self.size - CRC_BYTES - (self.arrived - taken)),
        ]
        with m.If(self.valid | (count == 0)):
            m.d.sync += silence.eq(0)
        with m.If(self.fault):
            m.d.sync += bad.eq(1)
        with m.If(plain):
            m.d.sync += escaped.eq(0)
            with m.If(count != least):
                m.d.sync += count.eq(count + 1)
            with m.If(count < _HEADER):
                m.d.sync += header.eq(Cat(header[8:], value))
            with m.Elif(full):
                m.d.sync += bad.eq(1)
            with m.Else():
                m.d.sync += written.eq(written + 1)
        with m.Elif(self.valid & ~is_flag):
            m.d.sync += escaped.eq(1)
        with m.If((self.valid & is_flag) | late):
            m.d.sync += [count.eq(0), escaped.eq(0), bad.eq(0)]
        with m.If(self.done):
            # a byte takes many cycles, so that none comes in this one
            m.d.sync += written.eq(self.arrived)
            with m.If(self.good & (kind == RequestKind.DATA) & (offset == self.arrived)):
                m.d.sync += [self.arrived.eq(written - CRC_BYTES), written.eq(written - CRC_BYTES)]

        # a word of the memory comes a cycle after its address
        fetched = Signal()
        m.d.comb += [read.addr.eq(taken), self.o.payload.eq(read.data), self.o.valid.eq(fetched)]
        m.d.sync += fetched.eq((taken != self.arrived) & ~fetched)
        with m.If(fetched):
            m.d.sync += fetched.eq(~self.o.ready)
            with m.If(self.o.ready):
                m.d.sync += taken.eq(taken + 1)
        return m
