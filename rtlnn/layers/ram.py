"""Memories with a port to write and one to read."""

import re

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, Signal
from amaranth.lib.memory import Memory

from rtlnn.layers.memory_kind import MemoryKind

__all__ = ["RAM_NAME", "Ram"]

RAM_NAME = re.compile(r"\brtlnn_ram_(?P<depth>\d+)x(?P<width>\d+)\b")
"""Name of the module that holds a block RAM, until it gets that of its own design (see emit/verilog.py)."""


class Ram(Elaboratable):
    """What is read comes a cycle after its address; what is written at the same time is not read yet.

    Block RAM is a Verilog module of its own: Amaranth would write the contents from the start, which mean nothing here,
    word by word, which takes minutes where networks are large.

    Parameters
    ----------
    width, depth : bits of a word, and words
    kind : LUTRAM or BRAM (default: by the number of words)

    Attributes
    ----------
    write, write_address, write_data, read_address : in
    read_data : out
    """

    def __init__(self, width: int, depth: int, kind: MemoryKind | None = None) -> None:
        self._width, self._depth, self._kind = width, depth, kind or MemoryKind.of(depth)
        self.write, self.write_address, self.write_data = Signal(), Signal(range(depth)), Signal(width)
        self.read_address, self.read_data = Signal(range(depth)), Signal(width)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._kind is MemoryKind.BRAM:
            m.submodules.ram = Instance(
                f"rtlnn_ram_{self._depth}x{self._width}",
                i_clk=ClockSignal(),
                i_write=self.write,
                i_write_address=self.write_address,
                i_write_data=self.write_data,
                i_read_address=self.read_address,
                o_read_data=self.read_data,
            )
            return m
        attributes = {"ram_style": "distributed"}
        m.submodules.memory = memory = Memory(shape=self._width, depth=self._depth, init=[], attrs=attributes)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
        ]
        return m
