"""Memory files, and the Verilog modules that read them."""

from collections.abc import Sequence
from string import Template

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.rom import LUTRAM_WORDS

__all__ = ["memory_file", "pack_words", "rom_module"]

_ROM = Template("""\
`ifndef RTLNN_MEM_DIR
`define RTLNN_MEM_DIR "./"
`endif

// $depth words of $width bits; data follow two cycles after the address
module $name (clk, addr, data);
  input clk;
  input [$addr_msb:0] addr;
  output [$data_msb:0] data;
$read
endmodule
""")

_BLOCK = """\
  reg [$data_msb:0] data;
  reg [$data_msb:0] fetched;
  (* rom_style = "block", ram_style = "block" *)
  reg [$data_msb:0] memory [0:$last];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  always @(posedge clk) begin
    fetched <= memory[addr];
    data <= fetched;
  end"""
# the address is narrower than the words: to register it twice takes fewer flip-flops
_DISTRIBUTED = """\
  reg [$addr_msb:0] addr_1;
  reg [$addr_msb:0] addr_2;
  (* rom_style = "distributed", ram_style = "distributed" *)
  reg [$data_msb:0] memory [0:$last];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  always @(posedge clk) begin
    addr_1 <= addr;
    addr_2 <= addr_1;
  end
  assign data = memory[addr_2];"""
_CONSTANT = """\
  reg [$data_msb:0] memory [0:0];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  assign data = memory[0];"""


def rom_module(name: str, width: int, depth: int) -> str:
    """Verilog of the read-only memory `name`, filled from `name.mem`."""
    read = _CONSTANT if depth == 1 else _DISTRIBUTED if depth <= LUTRAM_WORDS else _BLOCK
    values = {
        "name": name,
        "width": width,
        "depth": depth,
        "addr_msb": max((depth - 1).bit_length(), 1) - 1,
        "data_msb": width - 1,
        "last": depth - 1,
    }
    return _ROM.substitute(values, read=Template(read).substitute(values))


def memory_file(words: Sequence[int], width: int) -> str:
    """The words in hexadecimal, one a line, for $readmemh."""
    digits = -(-width // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)


def pack_words(values: Array, bits: int) -> list[int]:
    """One word per row of values [words, n]: element i at bits [i*bits +: bits], two's complement."""
    unsigned = (values.astype(np.int64) & ((1 << bits) - 1)).astype(np.uint64)
    planes = (unsigned[:, :, np.newaxis] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    rows = np.packbits(planes.astype(np.uint8).reshape(len(values), -1), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
