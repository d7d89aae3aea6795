"""The shell's top module: registers, streams, core."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, ResetInserter, Signal
from amaranth.lib.wiring import Component, In, Out

from rtlnn.emit.interface import Interface
from rtlnn.platforms.lite import LiteSignature, lite_ports
from rtlnn.platforms.zynq.registers import Registers, StatusBit
from rtlnn.platforms.zynq.streams import Streams, stream_ports, stride

__all__ = ["WEIGHT_BITS", "ZynqTop"]

WEIGHT_BITS = 64


class ZynqTop(Component):
    """The core `interface.top` between an AXI DMA engine's streams, with registers beside it.

    Parameters
    ----------
    interface : the core's name and ports
    word_bytes : bytes a beat of the DMA engine's streams, a power of two
    design : the number of the design, see `identity.design_id`

    Members
    -------
    aclk, aresetn : clock and synchronous reset, active low
    s_axi_* : AXI4-Lite slave, see `registers.Register`
    s_axis_*, m_axis_* : frames in and out, see `Streams`
    s_axis_weights_* : 64 bits, the weights; if the core loads them
    """

    def __init__(self, interface: Interface, word_bytes: int, design: int) -> None:
        self.interface, self.word_bytes, self.design = interface, word_bytes, design
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                **lite_ports("s_axi_"),
                **stream_ports("s_axis_", 8 * word_bytes, In, Out),
                **stream_ports("m_axis_", 8 * word_bytes, Out, In),
                **(stream_ports("s_axis_weights_", WEIGHT_BITS, In, Out) if self.loads else {}),
            }
        )
        # Vivado reads which buses a clock and a reset belong to from attributes of the ports.
        buses = ["s_axi", "s_axis", "m_axis", *(["s_axis_weights"] if self.loads else [])]
        self.aclk.attrs["X_INTERFACE_INFO"] = "xilinx.com:signal:clock:1.0 aclk CLK"
        self.aclk.attrs["X_INTERFACE_PARAMETER"] = f"ASSOCIATED_BUSIF {':'.join(buses)}, ASSOCIATED_RESET aresetn"
        self.aresetn.attrs["X_INTERFACE_INFO"] = "xilinx.com:signal:reset:1.0 aresetn RST"
        self.aresetn.attrs["X_INTERFACE_PARAMETER"] = "POLARITY ACTIVE_LOW"

    @property
    def loads(self) -> bool:
        """Whether the core loads weights."""
        return self.interface.weight_beats is not None

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain(local=True)
        sync.clk = self.aclk
        m.d.comb += sync.rst.eq(~self.aresetn)

        source, sink = self.interface.input, self.interface.output
        strides = (stride(port.frame_bytes, self.word_bytes) for port in (source, sink))
        m.submodules.registers = registers = Registers(self.design, *strides)
        streams = Streams(source, sink, self.word_bytes)
        m.submodules.streams = ResetInserter(registers.restart)(streams)
        for name, member in LiteSignature.members.items():
            inner, outer = getattr(registers.bus, name), getattr(self, f"s_axi_{name}")
            m.d.comb += inner.eq(outer) if member.flow is Out else outer.eq(inner)
        run = ~registers.restart
        m.d.comb += [
            streams.s_tdata.eq(self.s_axis_tdata),
            streams.s_tlast.eq(self.s_axis_tlast),
            streams.s_tvalid.eq(self.s_axis_tvalid & run),
            self.s_axis_tready.eq(streams.s_tready & run),
            self.m_axis_tdata.eq(streams.m_tdata),
            self.m_axis_tlast.eq(streams.m_tlast),
            self.m_axis_tvalid.eq(streams.m_tvalid & run),
            streams.m_tready.eq(self.m_axis_tready & run),
            registers.frames_in.eq(streams.frames_in),
            registers.frames_out.eq(streams.frames_out),
        ]
        frame_error, loaded = Signal(), Signal(init=1)
        flags = {
            StatusBit.FRAME_ERROR: frame_error,
            StatusBit.INPUT_ERROR: streams.error,
            StatusBit.WEIGHTS_LOADED: loaded,
        }
        m.d.comb += [registers.status[bit.bit_length() - 1].eq(flag) for bit, flag in flags.items()]

        resetn = Signal(name="core_aresetn")
        m.d.sync += resetn.eq(run)
        ports: dict[str, Any] = {"i_aclk": ClockSignal(), "i_aresetn": resetn, "o_frame_error": frame_error}
        for name, value in (("tdata", streams.i_tdata), ("tvalid", streams.i_tvalid), ("tlast", streams.i_tlast)):
            ports[f"i_s_axis_{name}"] = value
        for name, value in (("tdata", streams.o_tdata), ("tvalid", streams.o_tvalid), ("tlast", streams.o_tlast)):
            ports[f"o_m_axis_{name}"] = value
        ports |= {"o_s_axis_tready": streams.i_tready, "i_m_axis_tready": streams.o_tready}
        if self.loads:
            for name in ("tdata", "tvalid", "tlast"):
                ports[f"i_s_axis_weights_{name}"] = getattr(self, f"s_axis_weights_{name}")
            ports["o_s_axis_weights_tready"] = self.s_axis_weights_tready
            ports["o_weights_loaded"] = loaded
        m.submodules.core = Instance(self.interface.top, **ports)
        return m
