"""The custom logic's top module: the kernel, its two memories, and the shell's buses to them."""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, Const, DomainRenamer, Instance, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Member, Out

from rtlnn.emit.interface import Interface
from rtlnn.platforms.alveo.axi import WORD_BITS, WORD_BYTES
from rtlnn.platforms.alveo.kernel import Kernel
from rtlnn.platforms.aws.memory import BurstReader, BurstWriter
from rtlnn.platforms.identity import MAGIC
from rtlnn.platforms.lite import LiteAccess, LiteSignature, lite_ports

__all__ = ["IDENTITY_BASE", "OUTPUT_BASE", "VERSION", "AwsTop", "stride"]

OUTPUT_BASE = 0x4000_0000
"""Byte address of the results, for the host and for the kernel; frames (and weights) begin at 0."""
IDENTITY_BASE = 0x8000_0000
"""Byte address of a word of 64 bytes: what is there, see `AwsTop`."""
VERSION = 1

_REQUEST = {"id": 16, "addr": 64, "len": 8, "size": 3, "burst": 2}


def memory_name(interface: Interface) -> str:
    """Of the Verilog module that both memories are instances of."""
    return f"{interface.kernel}_memory"


def stride(frame_bytes: int) -> int:
    """Bytes from one frame to the next in memory."""
    return -(-frame_bytes // WORD_BYTES) * WORD_BYTES


def _pcis_ports() -> dict[str, Member]:
    """The shell's bus for bulk data, as its slave sees it."""
    ports: dict[str, Member] = {}
    for channel in ("aw", "ar"):
        ports |= {f"{channel}{name}": In(bits) for name, bits in _REQUEST.items()}
        ports |= {f"{channel}valid": In(1), f"{channel}ready": Out(1)}
    ports |= {"wdata": In(WORD_BITS), "wstrb": In(WORD_BYTES), "wlast": In(1), "wvalid": In(1), "wready": Out(1)}
    ports |= {"bid": Out(16), "bresp": Out(2), "bvalid": Out(1), "bready": In(1)}
    ports |= {"rid": Out(16), "rdata": Out(WORD_BITS), "rresp": Out(2), "rlast": Out(1)}
    ports |= {"rvalid": Out(1), "rready": In(1)}
    return {f"pcis_{name}": member for name, member in ports.items()}


class AwsTop(Component):
    """The kernel between a memory for frames, which the host writes, and one for results, which it reads.

    The word at `IDENTITY_BASE` holds, 4 bytes each from the lowest up: `identity.MAGIC`, `VERSION`, the number of the
    design (8 bytes), the bytes of the memory for frames and of that for results, the distance of frames and that of
    results, and errors of the bulk bus since the reset (bit 0: a read, bit 1: a write was answered with an error).

    Parameters
    ----------
    interface : the core's name and ports
    input_bytes, output_bytes : of the two memories, powers of two
    design : the number of the design, see `identity.design_id`

    Members
    -------
    clk, rst_n : clock and synchronous reset, active low
    ocl_* : AXI4-Lite slave, the kernel's registers (`alveo.control.Register`)
    sda_* : AXI4-Lite slave for the management function: it must answer, too, and reads 0
    pcis_* : AXI4 slave, 512 bits, for bulk data
    """

    def __init__(self, interface: Interface, input_bytes: int, output_bytes: int, design: int) -> None:
        self.interface, self.input_bytes, self.output_bytes, self.design = interface, input_bytes, output_bytes, design
        super().__init__({"clk": In(1), "rst_n": In(1), **lite_ports("ocl_"), **lite_ports("sda_"), **_pcis_ports()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain(local=True)
        sync.clk = self.clk
        m.d.comb += sync.rst.eq(~self.rst_n)
        kernel = Kernel(self.interface, design=self.design)
        m.submodules.kernel = DomainRenamer("kernel")(kernel)  # it has a clock of its own, which is this one
        m.d.comb += [kernel.ap_clk.eq(self.clk), kernel.ap_rst_n.eq(self.rst_n)]
        m.submodules.management = management = LiteAccess()
        for name, member in LiteSignature.members.items():
            for inner, outer in (
                (getattr(kernel, f"s_axi_control_{name}"), getattr(self, f"ocl_{name}")),
                (getattr(management.bus, name), getattr(self, f"sda_{name}")),
            ):
                m.d.comb += inner.eq(outer) if member.flow is Out else outer.eq(inner)

        frames, results = self.input_bytes // WORD_BYTES, self.output_bytes // WORD_BYTES
        m.submodules.frame_writer = frame_writer = BurstWriter(0, frames)
        m.submodules.frame_reader = frame_reader = BurstReader(0, frames)
        m.submodules.result_writer = result_writer = BurstWriter(OUTPUT_BASE, results)
        m.submodules.result_reader = result_reader = BurstReader(OUTPUT_BASE, results, IDENTITY_BASE)
        m.submodules.frames = self._memory(frame_writer, frame_reader)
        m.submodules.results = self._memory(result_writer, result_reader)
        self._connect_write(m, self, "pcis_", frame_writer)
        self._connect_write(m, kernel, "m_axi_out_", result_writer)
        masters = [self._axi(kernel, "m_axi_in_")]
        if self.interface.weight_beats is not None:
            masters.append(self._axi(kernel, "m_axi_weights_"))
        self._connect_read(m, masters, frame_reader)
        self._connect_read(m, [self._axi(self, "pcis_")], result_reader)
        m.d.comb += result_reader.word.eq(self._identity(m, result_reader.failed, frame_writer.failed))
        return m

    def _identity(self, m: Module, read_failed: Signal, write_failed: Signal) -> Signal:
        errors, word = Signal(2), Signal(WORD_BITS)
        m.d.sync += errors.eq(errors | Cat(read_failed, write_failed))
        strides = (stride(port.frame_bytes) for port in (self.interface.input, self.interface.output))
        numbers = [MAGIC, VERSION, self.design & 0xFFFFFFFF, self.design >> 32, self.input_bytes, self.output_bytes]
        m.d.comb += word.eq(Cat(*(Const(number, 32) for number in (*numbers, *strides)), errors))
        return word

    def _memory(self, writer: BurstWriter, reader: BurstReader) -> Instance:
        """A Verilog module: Amaranth would write out a megabyte of initial zeros."""
        return Instance(
            memory_name(self.interface),
            p_WORDS=writer.words,
            p_ADDRESS_BITS=len(writer.address),
            i_clk=self.clk,
            i_enable=writer.enable,
            i_write_address=writer.address,
            i_write_data=writer.data,
            i_read_address=reader.address,
            o_read_data=reader.data,
        )

    @staticmethod
    def _axi(owner: Any, prefix: str) -> dict[str, Signal]:
        """The signals of a bus by their names."""
        names = [name for name in owner.signature.members if name.startswith(prefix)]
        return {name.removeprefix(prefix): getattr(owner, name) for name in names}

    @staticmethod
    def _request(bus: dict[str, Signal], channel: str) -> list[Signal]:
        """In the order of `memory.Request`."""
        return [bus[f"{channel}{name}"] for name in ("addr", "len", "size", "burst")]

    def _connect_write(self, m: Module, owner: Any, prefix: str, writer: BurstWriter) -> None:
        bus = self._axi(owner, prefix)
        m.d.comb += [
            Cat(*(getattr(writer.aw.payload, name) for name in ("address", "len", "size", "burst"))).eq(
                Cat(self._request(bus, "aw"))
            ),
            writer.aw.payload.id.eq(bus["awid"]),
            writer.aw.valid.eq(bus["awvalid"]),
            bus["awready"].eq(writer.aw.ready),
            writer.w.payload.data.eq(bus["wdata"]),
            writer.w.payload.strb.eq(bus["wstrb"]),
            writer.w.valid.eq(bus["wvalid"]),
            bus["wready"].eq(writer.w.ready),
            bus["bid"].eq(writer.b.payload.id),
            bus["bresp"].eq(writer.b.payload.resp),
            bus["bvalid"].eq(writer.b.valid),
            writer.b.ready.eq(bus["bready"]),
        ]

    def _connect_read(self, m: Module, masters: list[dict[str, Signal]], reader: BurstReader) -> None:
        """One master, or two of which the later goes first and the number is the identifier."""
        request = reader.ar.payload
        fields = Cat(request.address, request.len, request.size, request.burst)
        if len(masters) == 1:
            (bus,) = masters
            m.d.comb += [
                fields.eq(Cat(self._request(bus, "ar"))),
                request.id.eq(bus["arid"]),
                reader.ar.valid.eq(bus["arvalid"]),
                bus["arready"].eq(reader.ar.ready),
            ]
        else:
            first, second = masters
            m.d.comb += [
                request.id.eq(second["arvalid"]),
                fields.eq(Mux(second["arvalid"], Cat(self._request(second, "ar")), Cat(self._request(first, "ar")))),
                reader.ar.valid.eq(first["arvalid"] | second["arvalid"]),
                second["arready"].eq(reader.ar.ready),
                first["arready"].eq(reader.ar.ready & ~second["arvalid"]),
            ]
        found, ready = reader.r.payload, Signal(len(masters))
        for number, bus in enumerate(masters):
            mine = (found.id == number) if len(masters) > 1 else Const(1)
            m.d.comb += [
                bus["rvalid"].eq(reader.r.valid & mine),
                bus["rdata"].eq(found.data),
                bus["rresp"].eq(found.resp),
                bus["rlast"].eq(found.last),
                bus["rid"].eq(found.id if len(masters) == 1 else 0),
                ready[number].eq(bus["rready"] & mine),
            ]
        m.d.comb += reader.r.ready.eq(ready.any())
