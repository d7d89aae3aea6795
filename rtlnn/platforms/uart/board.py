"""The chip's top module: clock, reset, link, core."""

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Component, In, Out

from rtlnn.emit.interface import Interface
from rtlnn.platforms.uart.link import Link, LinkConfig
from rtlnn.platforms.uart.pll import Pll

__all__ = ["Board"]

_START_BITS = 12
"""The reset lasts for 2**11 cycles: block RAMs of the iCE40 UP5K give no data in the first microseconds."""


class Board(Component):
    """Top module of a chip.

    Parameters
    ----------
    interface : of the core
    link : sizes of the link
    pll : None if the core runs with the oscillator's clock

    Members
    -------
    clk : in, the oscillator
    rx, tx : the serial line
    """

    def __init__(self, interface: Interface, link: LinkConfig, pll: Pll | None) -> None:
        self.interface, self.link, self.pll = interface, link, pll
        super().__init__({"clk": In(1), "rx": In(1), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain(local=True)
        locked, stable = Signal(), Signal()
        if self.pll is None:
            m.d.comb += [sync.clk.eq(self.clk), locked.eq(1)]
        else:
            clock = Signal()
            m.submodules.pll = self.pll.instance(self.clk, clock, locked)
            m.d.comb += sync.clk.eq(clock)
        m.submodules.stable = FFSynchronizer(locked, stable, reset_less=True)
        start = Signal(_START_BITS, reset_less=True)
        with m.If(~stable):
            m.d.sync += start.eq(0)
        with m.Elif(~start[-1]):
            m.d.sync += start.eq(start + 1)
        m.d.comb += sync.rst.eq(~start[-1])

        m.submodules.link = link = Link(self.link)
        last = Signal(name="m_axis_tlast")  # the link counts beats itself
        core_resetn = Signal()
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx), core_resetn.eq(~link.core_reset)]
        m.submodules.core = Instance(
            self.interface.top,
            i_aclk=ClockSignal(),
            i_aresetn=core_resetn,
            i_s_axis_tdata=link.s_tdata,
            i_s_axis_tvalid=link.s_tvalid,
            o_s_axis_tready=link.s_tready,
            i_s_axis_tlast=link.s_tlast,
            o_m_axis_tdata=link.m_tdata,
            o_m_axis_tvalid=link.m_tvalid,
            i_m_axis_tready=link.m_tready,
            o_m_axis_tlast=last,
            o_frame_error=link.frame_error,
        )
        return m
