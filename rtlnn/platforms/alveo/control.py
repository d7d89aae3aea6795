"""The kernel's registers: an AXI4-Lite slave with the `ap_ctrl_chain` protocol of Vitis kernels.

Sources: UG1393, "Control Requirements for XRT-Managed Kernels" and "Execution Modes"; UG1399, "S_AXILITE Control
Register Map".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtlnn.emit.interface import Interface, WeightPort
from rtlnn.platforms.identity import MAGIC
from rtlnn.platforms.lite import LiteAccess, LiteSignature

__all__ = [
    "ARGUMENTS",
    "STREAM_STRIDE",
    "VERSION",
    "Argument",
    "Control",
    "ControlBit",
    "Launch",
    "Register",
    "StatusBit",
    "arguments_of",
    "memory_buses",
    "stream_bus",
    "stream_channels",
]


VERSION = 1
"""Of this map of registers."""


class Register(IntEnum):
    """Byte offsets. Every register not listed reads as 0 and ignores writes."""

    CONTROL = 0x00
    GLOBAL_INTERRUPT_ENABLE = 0x04
    INTERRUPT_ENABLE = 0x08
    INTERRUPT_STATUS = 0x0C
    INPUT_LOW = 0x10
    INPUT_HIGH = 0x14
    OUTPUT_LOW = 0x1C
    OUTPUT_HIGH = 0x20
    FRAMES = 0x28
    STATUS = 0x30
    WEIGHTS_LOW = 0x38
    WEIGHTS_HIGH = 0x3C
    MAGIC = 0x40
    VERSION = 0x44
    DESIGN_LOW = 0x48
    DESIGN_HIGH = 0x4C
    STREAMS = 0x54


STREAM_STRIDE = 0x0C
"""Bytes between the addresses of two streams of weights: two registers, and one that is none."""


class ControlBit(IntFlag):
    """Bits of `CONTROL`. Bit 7 (automatic restart) is not supported and reads as 0."""

    START = 1 << 0
    DONE = 1 << 1
    IDLE = 1 << 2
    READY = 1 << 3
    CONTINUE = 1 << 4


class StatusBit(IntFlag):
    """Bits of `STATUS`."""

    FRAME_ERROR = 1 << 0
    READ_ERROR = 1 << 1
    WRITE_ERROR = 1 << 2
    ADDRESS_ERROR = 1 << 3
    BATCH_ERROR = 1 << 4


@dataclass(frozen=True)
class Argument:
    """One argument of the kernel, as the host's run-time library knows it; `port` is the memory bus of an address."""

    name: str
    offset: int
    bits: int
    description: str
    port: str | None = None


ARGUMENTS = (
    Argument("input", Register.INPUT_LOW, 64, "address of the input frames", "m_axi_in"),
    Argument("output", Register.OUTPUT_LOW, 64, "address of the output frames", "m_axi_out"),
    Argument("frames", Register.FRAMES, 32, "number of frames"),
)
"""The arguments of every kernel, in the order in which the host gives them."""

_WEIGHTS = Argument("weights", Register.WEIGHTS_LOW, 64, "address of the weights", "m_axi_weights")


def arguments_of(interface: Interface) -> tuple[Argument, ...]:
    """Those of a kernel, which may load weights, and read streams of them."""
    loaded = (_WEIGHTS,) if interface.weight_beats is not None else ()
    streams = (
        Argument(
            bus.removeprefix("s_axis_"),
            Register.STREAMS + number * STREAM_STRIDE,
            64,
            f"address of the weights of {port.layer}",
            stream_bus(bus),
        )
        for number, (bus, port) in enumerate(interface.weights.items())
    )
    return (*ARGUMENTS, *loaded, *streams)


def memory_buses(loads: bool) -> list[str]:
    """The memory buses of a kernel for frames, and for the weights that it may load."""
    return [argument.port for argument in (*ARGUMENTS, *((_WEIGHTS,) if loads else ())) if argument.port]


def stream_bus(bus: str) -> str:
    """The memory bus from which the core's stream `bus` of weights is read."""
    return f"m_axi_{bus.removeprefix('s_axis_')}"


def stream_channels(weights: Mapping[str, WeightPort]) -> dict[str, int]:
    """The memory buses of streamed weights, each with the number of its memory channel."""
    return {stream_bus(bus): port.channel for bus, port in weights.items()}


Launch = data.StructLayout({"input": 64, "output": 64, "frames": 32})
"""One start of the kernel: two byte addresses and the number of frames."""


class Control(Component):
    """AXI4-Lite slave and `ap_ctrl_chain` handshake. Responses are OKAY, and held until they are taken.

    The address and the data of a write may come in either order. A write takes effect one cycle after the later of
    the two, a read answers one cycle after its address. The next start may be set while a run goes on: START reads
    as 1 until the kernel has taken it with its arguments, and READY is its complement. DONE is held until the host
    writes 1 to CONTINUE. Interrupt status bits (0: done, 1: ready) are set by events whose enable bit is 1, and
    toggle where 1 is written.

    Parameters
    ----------
    loads : whether there is an argument for weights
    design : the number of the design, 64 bits, which the host compares with that of its build
    streams : how many streams of weights there are, with an address each

    Members
    -------
    bus : AXI4-Lite
    launch : the start that is waiting, with its arguments
    done : level, a run is finished
    resume : 1 cycle, the host has seen `done`
    idle : nothing is running
    status : the bits of `STATUS`
    interrupt : to the host
    weights : if it `loads`, the address of the weights of the start that is waiting
    streams : if there are some, the addresses of the streams of the start that is waiting, the first one lowest
    """

    def __init__(self, loads: bool = False, design: int = 0, streams: int = 0) -> None:
        self.loads, self.design, self.stream_count = loads, design, streams
        super().__init__(
            {
                "bus": In(LiteSignature),
                "launch": Out(stream.Signature(Launch)),
                "done": In(1),
                "resume": Out(1),
                "idle": In(1),
                "status": In(len(StatusBit)),
                "interrupt": Out(1),
                **({"weights": Out(64)} if loads else {}),
                **({"streams": Out(64 * streams)} if streams else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        arguments: dict[int, Signal] = {
            Register.INPUT_LOW: Signal(32, name="input_low"),
            Register.INPUT_HIGH: Signal(32, name="input_high"),
            Register.OUTPUT_LOW: Signal(32, name="output_low"),
            Register.OUTPUT_HIGH: Signal(32, name="output_high"),
            Register.FRAMES: Signal(32, name="frames"),
        }
        if self.loads:
            halves = Signal(32, name="weights_low"), Signal(32, name="weights_high")
            arguments |= dict(zip((Register.WEIGHTS_LOW, Register.WEIGHTS_HIGH), halves, strict=True))
            m.d.comb += self.weights.eq(Cat(halves))
        addresses = [
            Signal(32, name=f"stream_{n}_{half}") for n in range(self.stream_count) for half in ("low", "high")
        ]
        for n, word in enumerate(addresses):
            arguments[Register.STREAMS + n // 2 * STREAM_STRIDE + n % 2 * 4] = word
        if addresses:
            m.d.comb += self.streams.eq(Cat(addresses))
        start = Signal()
        enable_all = Signal()
        enable = Signal(2)
        pending = Signal(2)
        m.submodules.access = access = LiteAccess()
        connect(m, flipped(self.bus), access.bus)
        wdata, wstrb = access.write_data, access.write_strobe

        done_before = Signal()
        m.d.sync += done_before.eq(self.done)
        events = Cat(self.done & ~done_before, self.launch.valid & self.launch.ready)
        toggles = Signal(2)
        launch = self.launch.payload
        m.d.comb += [
            self.launch.valid.eq(start),
            launch.input.eq(Cat(arguments[Register.INPUT_LOW], arguments[Register.INPUT_HIGH])),
            launch.output.eq(Cat(arguments[Register.OUTPUT_LOW], arguments[Register.OUTPUT_HIGH])),
            launch.frames.eq(arguments[Register.FRAMES]),
        ]
        m.d.sync += [
            pending.eq((pending ^ toggles) | (events & enable)),
            self.interrupt.eq(enable_all & pending.any()),
        ]
        with m.If(self.launch.valid & self.launch.ready):
            m.d.sync += start.eq(0)

        with m.If(access.write), m.Switch(access.write_address):
            with m.Case(Register.CONTROL >> 2), m.If(wstrb[0]):
                with m.If(wdata[0]):
                    m.d.sync += start.eq(1)
                m.d.comb += self.resume.eq(wdata[4])
            with m.Case(Register.GLOBAL_INTERRUPT_ENABLE >> 2), m.If(wstrb[0]):
                m.d.sync += enable_all.eq(wdata[0])
            with m.Case(Register.INTERRUPT_ENABLE >> 2), m.If(wstrb[0]):
                m.d.sync += enable.eq(wdata[:2])
            with m.Case(Register.INTERRUPT_STATUS >> 2), m.If(wstrb[0]):
                m.d.comb += toggles.eq(wdata[:2])
            for offset, register in arguments.items():
                with m.Case(offset >> 2):
                    for byte in range(4):
                        with m.If(wstrb[byte]):
                            m.d.sync += register.word_select(byte, 8).eq(wdata.word_select(byte, 8))

        readable: dict[int, Value] = {
            Register.CONTROL: Cat(start, self.done, self.idle & ~start, ~start),
            Register.GLOBAL_INTERRUPT_ENABLE: enable_all,
            Register.INTERRUPT_ENABLE: enable,
            Register.INTERRUPT_STATUS: pending,
            Register.STATUS: self.status,
            Register.MAGIC: Const(MAGIC, 32),
            Register.VERSION: Const(VERSION, 32),
            Register.DESIGN_LOW: Const(self.design & 0xFFFFFFFF, 32),
            Register.DESIGN_HIGH: Const(self.design >> 32, 32),
            **arguments,
        }
        with m.Switch(access.read_address):
            for offset, value in readable.items():
                with m.Case(offset >> 2):
                    m.d.comb += access.read_data.eq(value)
        return m
