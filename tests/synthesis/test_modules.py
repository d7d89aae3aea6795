"""Reading a build's modules, and how often each is in it."""

from pathlib import Path

import pytest

from rtlnn.emit.memory import loaded_module, rom_module
from rtlnn.emit.netlist import Stage, emit_chain
from rtlnn.errors import InputError
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.rom import rom_resources
from rtlnn.layers.stream import StreamFormat
from rtlnn.synthesis.memories import memory_cells
from rtlnn.synthesis.modules import instance_counts, read_modules

LUTRAM, BRAM, URAM = MemoryKind


def write(folder: Path, texts: dict[str, str]) -> list[Path]:
    for name, text in texts.items():
        (folder / f"{name}.v").write_text(text)
    return [folder / f"{name}.v" for name in texts]


def test_generated_chain(tmp_path: Path) -> None:
    """Equal layers are one module, instantiated twice."""
    fmt = StreamFormat(2, 8, False, 4, 1)
    stages = [Stage("guard", GuardConfig(fmt)), Stage("skid", SkidConfig(fmt)), Stage("again", SkidConfig(fmt))]
    modules = read_modules(write(tmp_path, dict(emit_chain("net", stages, 8, 8).modules)))
    assert modules["net"].children == {"net_guard": 1, "net_skid": 2}
    assert instance_counts(modules, "net") == {"net": 1, "net_guard": 1, "net_skid": 2}


def test_instances_multiply_down_the_hierarchy(tmp_path: Path) -> None:
    head = "(a);\n  input a;\n"
    texts = {
        "leaf": f"module leaf{head}endmodule\n",
        "pair": f"module pair{head}  leaf one (\n .a(a));\n  leaf \\two.x  (.a(a));\nendmodule\n",
        "unused": f"module unused{head}  leaf l (.a(a));\nendmodule\n",
        "top": f"module top{head}  pair p (.a(a));\n pair q (.a(a));\n leaf #(\n .X(1)) l (.a(a));\nendmodule\n",
    }
    assert instance_counts(read_modules(write(tmp_path, texts)), "top") == {"top": 1, "pair": 2, "leaf": 5}


@pytest.mark.parametrize(
    ("words", "bits", "kind"),
    [(1, 1, LUTRAM), (2, 8, LUTRAM), (64, 33, BRAM), (1000, 2048, BRAM), (300, 9, LUTRAM), (5, 80, URAM)],
)
def test_memories_are_known_by_their_size(words: int, bits: int, kind: MemoryKind, tmp_path: Path) -> None:
    text = loaded_module("rom", bits, words) if kind is URAM else rom_module("rom", bits, words, kind)
    modules = read_modules(write(tmp_path, {"rom": text}))
    memory = modules["rom"].memory
    assert memory is not None
    assert (memory.words, memory.bits, memory.kind) == (words, bits, kind)
    cost = rom_resources(words, bits, kind)
    cells = memory_cells(memory)
    assert (cells.lut, cells.ff, cells.uram) == (cost.lut, cost.ff, cost.uram)
    assert cells.bram36 + cells.bram18 / 2 == cost.bram36


def test_a_stub_has_the_ports_alone(tmp_path: Path) -> None:
    (module,) = read_modules(write(tmp_path, {"rom": rom_module("rom", 9, 20)})).values()
    lines = [
        "module rom (clk, addr, data);",
        "  input clk;",
        "  input [4:0] addr;",
        "  output [8:0] data;",
        "endmodule",
    ]
    assert module.stub.splitlines() == lines


def test_a_file_without_its_module(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"net\.v does not define the module net; build again"):
        read_modules(write(tmp_path, {"net": "module other();\nendmodule\n"}))
