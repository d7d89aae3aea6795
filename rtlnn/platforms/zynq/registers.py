"""What the shell tells the processor: which design it holds, how far it is, and whether anything went wrong."""

from enum import IntEnum, IntFlag

from amaranth.hdl import Const, Module
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtlnn.platforms.identity import MAGIC
from rtlnn.platforms.lite import LiteAccess, LiteSignature

__all__ = ["VERSION", "Register", "Registers", "StatusBit"]

VERSION = 1
"""Of this map of registers."""


class Register(IntEnum):
    """Byte offsets. Every register not listed reads as 0 and ignores writes; all but `CONTROL` are read-only."""

    MAGIC = 0x00
    VERSION = 0x04
    DESIGN_LOW = 0x08
    DESIGN_HIGH = 0x0C
    INPUT_STRIDE = 0x10
    OUTPUT_STRIDE = 0x14
    STATUS = 0x18
    FRAMES_IN = 0x1C
    FRAMES_OUT = 0x20
    CONTROL = 0x24


class StatusBit(IntFlag):
    """Bits of `STATUS`. The errors stay until a reset."""

    FRAME_ERROR = 1 << 0
    """The core saw a frame that was too short or too long."""
    INPUT_ERROR = 1 << 1
    """A transfer to the shell did not end with a frame."""
    WEIGHTS_LOADED = 1 << 2
    """The core has its weights; 1 where it needs none."""


class Registers(Component):
    """AXI4-Lite slave.

    Bit 0 of `CONTROL` holds the streams and the core in reset: while it is 1, no word comes or goes, so that the DMA
    engine can be reset with nothing left over on either side.

    Parameters
    ----------
    design : the number of the design, 64 bits
    input_stride, output_stride : bytes from one frame to the next in memory

    Members
    -------
    bus : AXI4-Lite
    status : the bits of `STATUS`
    frames_in, frames_out : frames that have come and gone since the reset
    restart : reset of everything else, while the processor wants it
    """

    def __init__(self, design: int, input_stride: int, output_stride: int) -> None:
        self.design, self.input_stride, self.output_stride = design, input_stride, output_stride
        super().__init__(
            {
                "bus": In(LiteSignature),
                "status": In(len(StatusBit)),
                "frames_in": In(32),
                "frames_out": In(32),
                "restart": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.access = access = LiteAccess()
        connect(m, flipped(self.bus), access.bus)

        with m.If(access.write & (access.write_address == Register.CONTROL >> 2) & access.write_strobe[0]):
            m.d.sync += self.restart.eq(access.write_data[0])
        values = {
            Register.MAGIC: Const(MAGIC, 32),
            Register.VERSION: Const(VERSION, 32),
            Register.DESIGN_LOW: Const(self.design & 0xFFFFFFFF, 32),
            Register.DESIGN_HIGH: Const(self.design >> 32, 32),
            Register.INPUT_STRIDE: Const(self.input_stride, 32),
            Register.OUTPUT_STRIDE: Const(self.output_stride, 32),
            Register.STATUS: self.status,
            Register.FRAMES_IN: self.frames_in,
            Register.FRAMES_OUT: self.frames_out,
            Register.CONTROL: self.restart,
        }
        with m.Switch(access.read_address):
            for register, value in values.items():
                with m.Case(register >> 2):
                    m.d.comb += access.read_data.eq(value)
        return m
