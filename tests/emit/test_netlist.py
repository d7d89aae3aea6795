"""The emitted Verilog: names, one module for equal layers, the same bytes everywhere, readable by every tool."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from rtlnn.emit.names import RESERVED, check_name
from rtlnn.emit.netlist import Netlist, Stage, emit_chain
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.boundary import identifier
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder, renamed

Rng = np.random.Generator


def small_network(rng: Rng) -> tuple[list[Stage], Netlist]:
    """Every kind of layer: guard, converters, kernels with and without weights and parameters, register."""
    graph = (
        Builder(rng, (4, 4, 3))
        .conv(3, Window((3, 3), pads=(1, 1, 1, 1)))
        .requantize()
        .average_pool(Window((2, 2), (2, 2), (0, 0, 1, 1)))
        .requantize(scale=0.01)
        .max_pool(Window((1, 2)))
        .flatten()
        .dense(2)
    ).graph()
    foldings = [Folding(2, 2, (3, 1)), Folding(1, 1, (1, 1)), Folding(2, 2, (1, 2)), Folding(2, 3, (1, 1))]
    candidates = [Candidate(t, f) for t, f in zip(tasks_of(graph), foldings, strict=True)]
    stages = Assembly(graph, [c.task for c in candidates]).circuit(candidates, contents=True).stages
    return stages, emit_chain("net", stages, 8, 32)


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return small_network(np.random.default_rng(1))[1]


def _text(netlist: Netlist) -> str:
    return "\n".join(netlist.modules.values())


def _digest(netlist: Netlist) -> str:
    parts = [*netlist.modules.items(), *netlist.memories.items()]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _named(names: Sequence[str], top: str = "net") -> Netlist:
    """Dense layers of different sizes, of these names."""
    builder = Builder(np.random.default_rng(0), (1, 1, 4))
    for extra in range(len(names)):
        builder.dense(4 + extra)
    graph = renamed(builder.graph(), list(names))
    candidates = [Candidate(t, Folding(2, 2, (1, 1))) for t in tasks_of(graph)]
    circuit = Assembly(graph, [c.task for c in candidates]).circuit(candidates, contents=True)
    return emit_chain(top, circuit.stages, 8, 32)


def _slang_errors(text: str) -> list[str]:
    pyslang = pytest.importorskip("pyslang")
    compilation = pyslang.ast.Compilation()
    compilation.addSyntaxTree(pyslang.syntax.SyntaxTree.fromText(text))
    return [str(d.code) for d in compilation.getAllDiagnostics() if d.isError()]


@pytest.mark.parametrize("seed", ["0", "1"])
def test_bytes_do_not_depend_on_the_hash_seed(seed: str, netlist: Netlist, tmp_path: Path) -> None:
    code = (
        "import numpy as np; from tests.emit.test_netlist import _digest, small_network;"
        "print(_digest(small_network(np.random.default_rng(1))[1]))"
    )
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == _digest(netlist)


def test_nothing_of_the_machine_is_in_the_text(netlist: Netlist) -> None:
    text = _text(netlist)
    for unwanted in (str(Path.home()), str(Path(__file__).parents[2]), "src =", ".py"):
        assert unwanted not in text


def test_a_module_does_not_depend_on_its_neighbours(netlist: Netlist) -> None:
    """Converted alone, a layer gives the same text."""
    stages, whole = small_network(np.random.default_rng(1))
    for stage in stages:
        name = f"net_{stage.name}"
        f = stage.layer
        alone = emit_chain("net", [stage], f.input.bits, f.output.bits)
        assert alone.modules[name] == whole.modules[name]


def test_module_names_are_plain_and_there_once(netlist: Netlist) -> None:
    names = re.findall(r"^module (\S+?) ?\(", _text(netlist), re.MULTILINE)
    assert len(names) == len(set(names)) > 20
    assert all(re.fullmatch(r"\w+", name) for name in names)
    assert list(netlist.modules)[-1] == netlist.top == "net"
    for name, text in netlist.modules.items():
        assert re.search(rf"^module {name}\b", text, re.MULTILINE)


def test_ports_are_the_promised_ones(netlist: Netlist) -> None:
    header = netlist.modules["net"].split("endmodule")[0]
    ports = dict(re.findall(r"^  (?:input|output) (\[\d+:0\] )?(\w+);", header, re.MULTILINE))
    names = re.search(r"module net\(([^)]*)\)", header)
    assert names is not None
    assert set(names[1].replace(" ", "").split(",")) == {
        "aclk", "aresetn", "frame_error",
        *(f"{side}_axis_t{part}" for side in "sm" for part in ("data", "valid", "ready", "last")),
    }  # fmt: skip
    assert ports
    for direction, port in re.findall(r"^  (input|output) (?:\[\d+:0\] )?(\w+);", header, re.MULTILINE):
        inward = port in ("aclk", "aresetn", "m_axis_tready") or (port.startswith("s_axis") and port != "s_axis_tready")
        assert direction == ("input" if inward else "output"), port


def test_equal_layers_are_one_module(rng: Rng) -> None:
    """The same layer three times, with weights of its own each time: one module, three memories."""
    builder = Builder(rng, (1, 1, 4))
    signs = np.where(np.arange(16).reshape(4, 4) % 3, 1, -1)
    for n in range(3):
        weights = np.roll(signs, n, axis=0) * 127
        builder.dense(4, weights=weights, bias=np.array([1, 2, 3, 4]))
        builder.requantize_by(builder.types["x"].fixed, np.array([3, 5, 7, 3]), np.full(4, 11), clip=(0, 255))
    graph = builder.graph()
    stages = [
        Stage(f"fc{n}", c.kernel, c.contents())
        for n, c in enumerate(Candidate(t, Folding(4, 4, (1, 1))) for t in tasks_of(graph))
    ]
    assert len({s.layer for s in stages}) < 3, "the layers must be equal for this test"
    netlist = emit_chain("net", stages, 8, 8)
    kernels = [n for n in netlist.modules if re.fullmatch(r"net_fc\d", n)]
    assert len(kernels) == len({s.layer for s in stages})
    for kernel in kernels:
        count = sum(s.layer == stages[int(kernel[-1])].layer for s in stages)
        assert len(re.findall(rf"^  {kernel} fc\d \(", netlist.modules["net"], re.MULTILINE)) == count
    assert sum(name.endswith("__weight.mem") for name in netlist.memories) == 3


NAMES = [
    ["conv", "conv_weight"],
    ["conv", "conv_line_buffer"],
    ["conv", "conv/queue", "conv__queue"],
    ["reg", "output", "input"],
    ["m_axis", "s_axis", "aclk"],
    ["fc", "fc_gearbox"],
    ["kernel", "frame_guard", "output_register", "output_gearbox"],
    ["12", "12", "12_2"],
    ["Straße", "層", "/", ""],
    ["x" * 60, "x" * 60 + "y"],
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0][:8])
def test_names_of_the_model_cannot_break_the_verilog(names: list[str]) -> None:
    distinct = [name + "!" * n for n, name in enumerate(names)]  # a graph has no two nodes of one name
    netlist = _named(distinct)
    modules = re.findall(r"^module (\S+?) ?\(", _text(netlist), re.MULTILINE)
    assert len(modules) == len(set(modules))
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in modules)
    assert "net_kernel" not in modules
    assert not _slang_errors(_text(netlist))


def test_names_that_are_refused() -> None:
    for name in ("module", "a__b", "_a", "a_", "1a", "ä", ""):
        with pytest.raises(ValueError, match="cannot name a module"):
            check_name(name)
    for word in RESERVED:
        check_name(identifier(word))
    fmt = StreamFormat(1, 8, False, 1, 1)
    with pytest.raises(ValueError, match="two stages have the same name"):
        emit_chain("net", [Stage("a", SkidConfig(fmt)), Stage("a", SkidConfig(fmt))], 8, 8)


def test_stages_that_do_not_fit_are_refused() -> None:
    fmt = StreamFormat(1, 8, False, 2, 1)
    with pytest.raises(TypeError, match=r"a delivers .* b takes"):
        emit_chain("net", [Stage("a", SkidConfig(fmt)), Stage("b", SkidConfig(replace(fmt, signed=True)))], 8, 8)


def test_slang_reads_it(netlist: Netlist) -> None:
    assert not _slang_errors(_text(netlist))


def test_slang_is_asked_in_earnest(netlist: Netlist) -> None:
    broken = _text(netlist).replace(".o__tlast(", ".o__tfirst(", 1)
    assert _slang_errors(broken) == ["DiagCode(PortDoesNotExist)"]


def test_yosys_reads_it(netlist: Netlist, tmp_path: Path) -> None:
    """As Verilog-2001, without a warning but those about memories that it expands."""
    pytest.importorskip("pyosys")
    (tmp_path / "net.v").write_text(_text(netlist))
    for name, text in netlist.memories.items():
        (tmp_path / name).write_text(text)
    code = (
        "from pyosys import libyosys as ys; d = ys.Design();"
        "ys.run_pass('read_verilog net.v', d); ys.run_pass('hierarchy -check -top net', d);"
        "ys.run_pass('proc', d); ys.run_pass('check -assert', d)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    warnings = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Warning")]
    assert not [w for w in warnings if "Replacing memory" not in w]


def test_icarus_reads_it(netlist: Netlist, tmp_path: Path) -> None:

    if which("iverilog") is None:
        pytest.skip("no Icarus Verilog on PATH")
    (tmp_path / "net.v").write_text(_text(netlist))
    command = ["iverilog", "-g2001", "-Wall", "-Wno-timescale", "-tnull", "-s", "net", str(tmp_path / "net.v")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not run.stderr
