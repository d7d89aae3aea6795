"""The Verilog modules of memories: read-only ones with their files, and such as are loaded."""

from collections.abc import Sequence
from string import Template

import numpy as np

from rtlnn.ir.types import Array
from rtlnn.layers.memory_kind import LUTRAM_WORDS, MemoryKind

__all__ = ["loaded_module", "memory_file", "pack_words", "ram_module", "rom_module"]

_FOLDER = """\
`ifndef RTLNN_MEM_DIR
`define RTLNN_MEM_DIR "./"
`endif

"""

_ROM = Template(
    _FOLDER
    + """\
// $depth words of $width bits; data follow two cycles after the address
module $name (clk, addr, data);
  input clk;
  input [$addr_msb:0] addr;
  output [$data_msb:0] data;
$read
endmodule
"""
)
_DUAL = Template(
    _FOLDER
    + """\
// $depth words of $width bits, two of them at once; data follow two cycles after the address
module $name (clk, addr, data, addr_b, data_b);
  input clk;
  input [$addr_msb:0] addr;
  output [$data_msb:0] data;
  input [$addr_msb:0] addr_b;
  output [$data_msb:0] data_b;
  reg [$data_msb:0] data;
  reg [$data_msb:0] fetched;
  reg [$data_msb:0] data_b;
  reg [$data_msb:0] fetched_b;
  (* rom_style = "block", ram_style = "block" *)
  reg [$data_msb:0] memory [0:$last];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  always @(posedge clk) begin
    fetched <= memory[addr];
    data <= fetched;
  end
  always @(posedge clk) begin
    fetched_b <= memory[addr_b];
    data_b <= fetched_b;
  end
endmodule
"""
)

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
# a register behind them: deeper ones need a choice between LUTs, and an adder may follow
_DEEP = """\
  reg [$addr_msb:0] addr_1;
  reg [$data_msb:0] data;
  (* rom_style = "distributed", ram_style = "distributed" *)
  reg [$data_msb:0] memory [0:$last];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  always @(posedge clk) begin
    addr_1 <= addr;
    data <= memory[addr_1];
  end"""
_CONSTANT = """\
  reg [$data_msb:0] memory [0:0];
  initial $$readmemh({`RTLNN_MEM_DIR, "$name.mem"}, memory);
  assign data = memory[0];"""


_LOADED = Template("""\
// $depth words of $width bits, empty until they are loaded; data follow two cycles after the address
module $name (clk, addr, data, load_enable, load_addr, load_data);
  input clk;
  input [$addr_msb:0] addr;
  output [$data_msb:0] data;
  input load_enable;
  input [$addr_msb:0] load_addr;
  input [$data_msb:0] load_data;
$registers  (* ram_style = "$style" *)
  reg [$data_msb:0] memory [0:$last];
  always @(posedge clk) begin
    if (load_enable)
      memory[load_addr] <= load_data;
$read  end
${assign}endmodule
""")
_STYLES = {MemoryKind.LUTRAM: "distributed", MemoryKind.BRAM: "block", MemoryKind.URAM: "ultra"}

# nothing that is read before it is written matters; simulators that know unknown values need some all the same
_RAM = Template("""\
// $depth words of $width bits; data follow a cycle after the address
module $name (clk, write, write_address, write_data, read_address, read_data);
  input clk;
  input write;
  input [$addr_msb:0] write_address;
  input [$data_msb:0] write_data;
  input [$addr_msb:0] read_address;
  output [$data_msb:0] read_data;
  reg [$data_msb:0] read_data;
  (* ram_style = "block" *)
  reg [$data_msb:0] words [0:$last];
`ifndef SYNTHESIS
  integer n;
  initial
    for (n = 0; n < $depth; n = n + 1)
      words[n] = $width'd0;
`endif
  always @(posedge clk) begin
    if (write)
      words[write_address] <= write_data;
    read_data <= words[read_address];
  end
endmodule
""")


def ram_module(name: str, width: int, depth: int) -> str:
    """Verilog of the block RAM `name`, with a port to write and one to read."""
    return _RAM.substitute(_values(name, width, depth))


def rom_module(
    name: str, width: int, depth: int, kind: MemoryKind | None = None, ports: int = 1, registered: bool = False
) -> str:
    """Verilog of the read-only memory `name`, filled from `name.mem`; `kind` defaults to that for so many words.

    A block RAM can have two `ports`. `registered` data come straight from a register in any case. Raises `ValueError`
    for UltraRAM, which cannot be filled.
    """
    kind = kind or MemoryKind.of(depth)
    if kind is MemoryKind.URAM:
        raise ValueError(f"{name}: an UltraRAM has no contents from the start")
    if ports == 2:
        return _DUAL.substitute(_values(name, width, depth))
    small = _DEEP if registered or depth > LUTRAM_WORDS else _DISTRIBUTED
    read = _CONSTANT if depth == 1 else small if kind is MemoryKind.LUTRAM else _BLOCK
    values = _values(name, width, depth)
    return _ROM.substitute(values, read=Template(read).substitute(values))


def loaded_module(
    name: str, width: int, depth: int, kind: MemoryKind = MemoryKind.URAM, registered: bool = False
) -> str:
    """Verilog of the memory `name` with a port through which it is written, empty at first.

    `registered` data come straight from a register.
    """
    values = _values(name, width, depth)
    # LUTs are read behind two registers of the address, which is narrower than a word
    late = kind is MemoryKind.LUTRAM and not registered
    names, top = (("addr_1", "addr_2"), "addr_msb") if late else (("data", "fetched"), "data_msb")
    first, second = ("addr_1 <= addr", "addr_2 <= addr_1") if late else ("fetched <= memory[addr]", "data <= fetched")
    return _LOADED.substitute(
        values,
        style=_STYLES[kind],
        registers="".join(f"  reg [{values[top]}:0] {n};\n" for n in names),
        read=f"    {first};\n    {second};\n",
        assign="  assign data = memory[addr_2];\n" if late else "",
    )


def _values(name: str, width: int, depth: int) -> dict[str, object]:
    return {
        "name": name,
        "width": width,
        "depth": depth,
        "addr_msb": max((depth - 1).bit_length(), 1) - 1,
        "data_msb": width - 1,
        "last": depth - 1,
    }


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
