"""Registers of a shell: the channels of an AXI4-Lite slave with 32 bits of data (AMBA AXI4, IHI 0022)."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib.wiring import Component, In, Member, Out, Signature

__all__ = ["LITE_ADDRESS_BITS", "LiteAccess", "LiteSignature", "lite_ports"]

LITE_ADDRESS_BITS = 12

LiteSignature = Signature(
    {
        "awaddr": Out(LITE_ADDRESS_BITS),
        "awvalid": Out(1),
        "awready": In(1),
        "wdata": Out(32),
        "wstrb": Out(4),
        "wvalid": Out(1),
        "wready": In(1),
        "bresp": In(2),
        "bvalid": In(1),
        "bready": Out(1),
        "araddr": Out(LITE_ADDRESS_BITS),
        "arvalid": Out(1),
        "arready": In(1),
        "rdata": In(32),
        "rresp": In(2),
        "rvalid": In(1),
        "rready": Out(1),
    }
)
"""AXI4-Lite with 32 bits of data, seen from the master."""


def lite_ports(prefix: str) -> dict[str, Member]:
    """The slave's signals as members of a top module, each name behind `prefix`."""
    return {f"{prefix}{name}": member.flip() for name, member in LiteSignature.members.items()}


class LiteAccess(Component):
    """An AXI4-Lite slave's channels as one write and one read at a time. Responses are OKAY, held until taken.

    The address and the data of a write may come in either order. A write takes effect one cycle after the later of
    the two, a read answers one cycle after its address.

    Members
    -------
    bus : AXI4-Lite
    write : a write happens in this cycle
    write_address : its address, in words of 4 bytes
    write_data, write_strobe : its data, and which bytes of them count
    read_address : of the read that is asked for, in words of 4 bytes
    read_data : what is at `read_address`, in the same cycle
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(LiteSignature),
                "write": Out(1),
                "write_address": Out(LITE_ADDRESS_BITS - 2),
                "write_data": Out(32),
                "write_strobe": Out(4),
                "read_address": Out(LITE_ADDRESS_BITS - 2),
                "read_data": In(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus = self.bus
        has_address = Signal()
        has_data = Signal()
        m.d.comb += [
            bus.awready.eq(~has_address),
            bus.wready.eq(~has_data),
            bus.bresp.eq(Const(0, 2)),
            self.write.eq(has_address & has_data & ~bus.bvalid),
            bus.arready.eq(~bus.rvalid),
            bus.rresp.eq(Const(0, 2)),
            self.read_address.eq(bus.araddr[2:]),
        ]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [has_address.eq(1), self.write_address.eq(bus.awaddr[2:])]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [has_data.eq(1), self.write_data.eq(bus.wdata), self.write_strobe.eq(bus.wstrb)]
        with m.If(self.write):
            m.d.sync += [has_address.eq(0), has_data.eq(0), bus.bvalid.eq(1)]
        with m.If(bus.bvalid & bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += [bus.rvalid.eq(1), bus.rdata.eq(self.read_data)]
        with m.If(bus.rvalid & bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        return m
