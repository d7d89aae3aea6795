"""Bits on the line: a start bit, eight data bits from the lowest up, a stop bit; the idle line is high."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["LineReceiver", "LineTransmitter"]

_LEAST = 4
"""Cycles a bit: with fewer, the middle of a bit cannot be found."""


def _check(divider: int) -> None:
    if divider < _LEAST:
        raise ValueError(f"a bit must last {_LEAST} cycles at least, not {divider}")


class LineReceiver(wiring.Component):
    """Samples every bit in its middle, found from the start bit's edge.

    Parameters
    ----------
    divider : cycles a bit

    Members
    -------
    rx : in, the line, of any clock
    data, valid : out, a byte, for one cycle, in the middle of its stop bit
    fault : out, in place of `valid` where the stop bit is low (noise, a break, another speed)
    """

    def __init__(self, divider: int) -> None:
        _check(divider)
        self.divider = divider
        super().__init__({"rx": In(1), "data": Out(8), "valid": Out(1), "fault": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rx = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, rx, init=1)
        timer, bits, shift = Signal(range(self.divider)), Signal(range(10)), Signal(8)
        m.d.comb += self.data.eq(shift)
        m.d.sync += [self.valid.eq(0), self.fault.eq(0)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(self.divider // 2 - 1), bits.eq(0)]
                with m.If(~rx):
                    m.next = "BITS"
            with m.State("BITS"):
                m.d.sync += timer.eq(Mux(timer == 0, self.divider - 1, timer - 1))
                with m.If(timer == 0):
                    m.d.sync += bits.eq(bits + 1)
                    with m.If(bits == 9):
                        m.d.sync += [self.valid.eq(rx), self.fault.eq(~rx)]
                        m.next = "STOP"
                    with m.Elif((bits == 0) & rx):
                        m.next = "IDLE"  # an edge that does not last is noise
                    with m.Else():
                        m.d.sync += shift.eq(Cat(shift[1:], rx))
            with m.State("STOP"):
                # a break lasts for longer than a byte
                with m.If(rx):
                    m.next = "IDLE"
        return m


class LineTransmitter(wiring.Component):
    """Sends bytes, a cycle between them where there are any.

    Parameters
    ----------
    divider : cycles a bit

    Members
    -------
    tx : out, the line, from a register
    data, valid : in, a byte
    ready : out, the byte is taken
    """

    def __init__(self, divider: int) -> None:
        _check(divider)
        self.divider = divider
        super().__init__({"tx": Out(1, init=1), "data": In(8), "valid": In(1), "ready": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        timer, bits, shift = Signal(range(self.divider)), Signal(range(11)), Signal(10, init=0x3FF)
        m.d.comb += self.ready.eq(bits == 0)
        m.d.sync += [self.tx.eq(shift[0]), timer.eq(timer - 1)]
        with m.If(bits == 0):
            m.d.sync += timer.eq(self.divider - 1)
            with m.If(self.valid):
                m.d.sync += [shift.eq(Cat(Const(0, 1), self.data, Const(1, 1))), bits.eq(10)]
        with m.Elif(timer == 0):
            m.d.sync += [shift.eq(Cat(shift[1:], Const(1, 1))), bits.eq(bits - 1), timer.eq(self.divider - 1)]
        return m
