"""The Vitis RTL kernel: registers, read master, core, write master."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Member, Out

from rtlnn.emit.interface import Interface
from rtlnn.platforms.alveo.axi import WORD_BITS, WORD_BYTES, Run
from rtlnn.platforms.alveo.control import Control, StatusBit, stream_bus
from rtlnn.platforms.alveo.reader import FrameReader
from rtlnn.platforms.alveo.streamer import WeightStreamer
from rtlnn.platforms.alveo.weights import WeightReader
from rtlnn.platforms.alveo.writer import FrameWriter
from rtlnn.platforms.lite import LiteSignature, lite_ports

__all__ = ["Kernel"]

_SIZE = WORD_BYTES.bit_length() - 1  # AxSIZE: log2 of the bytes a beat
_ADDRESS_CONSTANTS = {"id": (1, 0), "size": (3, _SIZE), "burst": (2, 1), "lock": (1, 0)}  # bursts increment
_ADDRESS_CONSTANTS |= {"cache": (4, 0b0011), "prot": (3, 0), "qos": (4, 0), "region": (4, 0)}  # bufferable, modifiable


def _memory_ports(prefix: str) -> dict[str, Member]:
    """All AXI4 signals of one memory bus. Both buses have all five channels, as the vendor's tools expect them."""
    ports: dict[str, Member] = {}
    for channel in ("aw", "ar"):
        ports |= {f"{channel}addr": Out(64), f"{channel}len": Out(8), f"{channel}valid": Out(1)}
        ports |= {f"{channel}{name}": Out(width) for name, (width, _) in _ADDRESS_CONSTANTS.items()}
        ports |= {f"{channel}ready": In(1)}
    ports |= {"wdata": Out(WORD_BITS), "wstrb": Out(WORD_BYTES), "wlast": Out(1), "wvalid": Out(1), "wready": In(1)}
    ports |= {"bid": In(1), "bresp": In(2), "bvalid": In(1), "bready": Out(1)}
    ports |= {"rid": In(1), "rdata": In(WORD_BITS), "rresp": In(2), "rlast": In(1), "rvalid": In(1), "rready": Out(1)}
    return {f"{prefix}{name}": member for name, member in ports.items()}


class Kernel(Component):
    """Top module of a kernel around the core `interface.top`.

    A start is taken when the read masters have asked for all frames, and all weights that are streamed, of the run
    before, so that the frames of a waiting start follow those of the running one without a bubble. Runs end in order.
    Where weights are streamed for batches of frames, a start has whole batches; else the frames behind the last whole
    one are left out, and `BATCH_ERROR` tells.

    Parameters
    ----------
    interface : the core's name and ports
    outstanding : bursts in flight on each memory bus
    design : the number of the design, see `identity.design_id`

    Members
    -------
    ap_clk, ap_rst_n : clock and synchronous reset, active low
    s_axi_control_* : AXI4-Lite slave, see `control.Register`
    m_axi_in_* : AXI4, 512 bits, reads only
    m_axi_out_* : AXI4, 512 bits, writes only
    m_axi_weights_* : AXI4, 512 bits, reads only; if the core loads weights
    m_axi_NAME_* : AXI4, 512 bits, reads only; for every stream `s_axis_NAME` of weights
    interrupt : level, to the host
    """

    def __init__(self, interface: Interface, outstanding: int = 8, design: int = 0) -> None:
        if interface.batch & (interface.batch - 1):
            raise ValueError(f"the frames of a batch must be a power of two, not {interface.batch}")
        self.interface, self.outstanding, self.design = interface, outstanding, design
        super().__init__(
            {
                "ap_clk": In(1),
                "ap_rst_n": In(1),
                **lite_ports("s_axi_control_"),
                **_memory_ports("m_axi_in_"),
                **_memory_ports("m_axi_out_"),
                **({} if interface.weight_beats is None else _memory_ports("m_axi_weights_")),
                **{k: v for bus in interface.weights for k, v in _memory_ports(f"{stream_bus(bus)}_").items()},
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain(local=True)
        sync.clk = self.ap_clk
        m.d.comb += sync.rst.eq(~self.ap_rst_n)

        beats = self.interface.weight_beats
        streams = len(self.interface.weights)
        m.submodules.control = control = Control(beats is not None, self.design, streams)
        m.submodules.reader = reader = FrameReader(self.interface.input, self.outstanding)
        m.submodules.writer = writer = FrameWriter(self.interface.output, self.outstanding)
        for name, member in LiteSignature.members.items():
            inner, outer = getattr(control.bus, name), getattr(self, f"s_axi_control_{name}")
            m.d.comb += inner.eq(outer) if member.flow is Out else outer.eq(inner)
        self._connect_memory(m, "m_axi_in_", reader.axi, {"ar", "r"})
        self._connect_memory(m, "m_axi_out_", writer.axi, {"aw", "w", "b"})
        weights = None if beats is None else self._weights(m, control, beats)
        streamers = self._streamers(m)
        frame_error = self._core(m, reader, writer, weights, streamers)

        # The runs whose frames are being read, for the write master.
        m.submodules.runs = runs = SyncFIFOBuffered(width=Run.size, depth=3)
        launch, launched = control.launch.payload, Signal()
        beyond = launch.frames[: self.interface.batch.bit_length() - 1]
        frames = Cat(Const(0, len(beyond)), launch.frames[len(beyond) :])
        ready, places = reader.run.ready, launch.input[:6] | launch.output[:6]
        if weights is not None:
            ready, places = ready & weights.ready, places | control.weights[:6]
        for n, streamer in enumerate(streamers.values()):
            address = control.streams.word_select(n, 64)
            ready, places = ready & streamer.run.ready, places | address[:6]
            m.d.comb += [
                streamer.run.payload.address.eq(address),
                streamer.run.payload.frames.eq(frames),
                streamer.run.valid.eq(launched),
            ]
        to_write = Signal(Run)
        m.d.comb += [
            reader.run.payload.address.eq(launch.input),
            reader.run.payload.frames.eq(frames),
            to_write.address.eq(launch.output),
            to_write.frames.eq(frames),
            launched.eq(control.launch.valid & ready & runs.w_rdy),
            control.launch.ready.eq(ready & runs.w_rdy),
            reader.run.valid.eq(launched),
            runs.w_data.eq(to_write),
            runs.w_en.eq(launched),
            writer.run.payload.eq(runs.r_data),
            writer.run.valid.eq(runs.r_rdy),
            runs.r_en.eq(writer.run.ready),
            control.done.eq(writer.done),
            writer.resume.eq(control.resume),
            control.idle.eq(reader.run.ready & (runs.level == 0) & (writer.idle | writer.done)),
            self.interrupt.eq(control.interrupt),
        ]

        read_error, write_error, address_error, batch_error = (
            Signal(name=f"{n}_error") for n in ("read", "write", "address", "batch")
        )
        with m.If(launched):
            with m.If(control.idle):
                m.d.sync += [e.eq(0) for e in (read_error, write_error, address_error, batch_error)]
            with m.If(places.any()):
                m.d.sync += address_error.eq(1)
            with m.If(beyond.any()):
                m.d.sync += batch_error.eq(1)
        with m.If(Cat(reader.error, *(streamer.error for streamer in streamers.values())).any()):
            m.d.sync += read_error.eq(1)
        with m.If(writer.error):
            m.d.sync += write_error.eq(1)
        flags = {
            StatusBit.FRAME_ERROR: frame_error,
            StatusBit.READ_ERROR: read_error if weights is None else read_error | weights.error,
            StatusBit.WRITE_ERROR: write_error,
            StatusBit.ADDRESS_ERROR: address_error,
            StatusBit.BATCH_ERROR: batch_error,
        }
        m.d.comb += [control.status[bit.bit_length() - 1].eq(flag) for bit, flag in flags.items()]
        return m

    def _connect_memory(self, m: Module, prefix: str, axi: Any, channels: set[str]) -> None:
        """Join a master to its channels of a bus; the constants, and zeros on the channels that it does not use."""
        constants = {f"{c}{name}": value for c in ("aw", "ar") for name, (_, value) in _ADDRESS_CONSTANTS.items()}
        for name, member in _memory_ports("").items():
            outer = getattr(self, prefix + name)
            channel = next(c for c in ("aw", "ar", "w", "b", "r") if name.startswith(c))
            if name in axi.signature.members:
                inner = getattr(axi, name)
                m.d.comb += outer.eq(inner) if member.flow is Out else inner.eq(outer)
            elif member.flow is Out:
                value = constants.get(name, 0) if channel in channels else 0
                if name == "wstrb" and channel in channels:
                    value = (1 << WORD_BYTES) - 1
                m.d.comb += outer.eq(Const(value, len(outer)))

    def _weights(self, m: Module, control: Control, beats: int) -> WeightReader:
        """The read master of the weights, which holds up a start until the core has them."""
        m.submodules.weights = weights = WeightReader(beats)
        self._connect_memory(m, "m_axi_weights_", weights.axi, {"ar", "r"})
        m.d.comb += [
            weights.address.eq(control.weights),
            weights.wanted.eq(control.launch.valid),
            weights.idle.eq(control.idle),
        ]
        return weights

    def _streamers(self, m: Module) -> dict[str, WeightStreamer]:
        """The read masters of streamed weights, by the core's buses."""
        found = {}
        for bus, port in self.interface.weights.items():
            streamer = WeightStreamer(port, self.outstanding)
            m.submodules[bus.removeprefix("s_axis_")] = found[bus] = streamer
            self._connect_memory(m, f"{stream_bus(bus)}_", streamer.axi, {"ar", "r"})
        return found

    def _core(
        self,
        m: Module,
        reader: FrameReader,
        writer: FrameWriter,
        weights: WeightReader | None,
        streamers: Mapping[str, WeightStreamer],
    ) -> Signal:
        """The core between the masters. Returns its `frame_error`."""
        frame_error = Signal()
        loading: dict[str, Any] = {}
        for bus, source in streamers.items():
            loading |= {
                f"i_{bus}_tdata": source.tdata,
                f"i_{bus}_tvalid": source.tvalid,
                f"o_{bus}_tready": source.tready,
                f"i_{bus}_tlast": source.tlast,
            }
        if weights is not None:
            loading |= {
                "i_s_axis_weights_tdata": weights.tdata,
                "i_s_axis_weights_tvalid": weights.tvalid,
                "o_s_axis_weights_tready": weights.tready,
                "i_s_axis_weights_tlast": weights.tlast,
                "o_weights_loaded": Signal(name="weights_loaded"),
            }
        last = Signal(name="m_axis_tlast")  # the write master counts beats itself
        m.submodules.core = Instance(
            self.interface.top,
            i_aclk=ClockSignal(),
            i_aresetn=self.ap_rst_n,
            i_s_axis_tdata=reader.tdata,
            i_s_axis_tvalid=reader.tvalid,
            o_s_axis_tready=reader.tready,
            i_s_axis_tlast=reader.tlast,
            o_m_axis_tdata=writer.tdata,
            o_m_axis_tvalid=writer.tvalid,
            i_m_axis_tready=writer.tready,
            o_m_axis_tlast=last,
            o_frame_error=frame_error,
            **loading,
        )
        return frame_error
