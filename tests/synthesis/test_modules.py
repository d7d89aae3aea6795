"""Reading a build's modules, and how often each is in it."""

from pathlib import Path

import pytest

from rtlnn.emit.memory import rom_module
from rtlnn.emit.netlist import Stage, emit_chain
from rtlnn.errors import InputError
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.synthesis.modules import instance_counts, read_modules


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


@pytest.mark.parametrize(("words", "bits"), [(1, 1), (2, 8), (64, 33), (1000, 2048)])
def test_memories_are_known_by_their_size(words: int, bits: int, tmp_path: Path) -> None:
    modules = read_modules(write(tmp_path, {"rom": rom_module("rom", bits, words)}))
    assert modules["rom"].rom == (words, bits)


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
