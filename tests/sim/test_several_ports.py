"""A network of two inputs and two outputs, from the plan to the simulation of its build folder."""

from pathlib import Path

import numpy as np
import pytest

from rtlnn import designing, runtime
from rtlnn.api import simulate
from rtlnn.builder import build
from rtlnn.emit.interface import Interface
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.types import TensorType
from rtlnn.ops import Add, Concat, Window
from rtlnn.options import Options
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.reference import load
from rtlnn.sim.stream_run import FrameFault
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator


@pytest.fixture
def network(rng: Rng, monkeypatch: pytest.MonkeyPatch) -> Network:
    """One input is larger than the other one and convolved; an output is used again inside."""
    made = Builder(rng, (4, 3, 2)).conv(3, Window((2, 1))).requantize()
    first = made.value
    other = TensorType((3, 3, 3), fixed(8))
    nodes = (
        *made.nodes,
        Node("sum", Add(), (first, "z"), "sum.y"),
        Node("both", Concat(2), (first, "z"), "both.y"),
    )
    types = {**made.types, "z": other}
    for node in nodes[-2:]:
        types[node.output] = node.op.infer(*(types[v] for v in node.inputs))
    core = Graph(("z", "x"), ("sum.y", first, "both.y"), nodes, types, made.constants)
    core.verify()

    def passed(values: tuple[str, ...]) -> Graph:
        return Graph(values, values, (), {v: types[v] for v in values})

    def ports(values: tuple[str, ...], names: str) -> tuple[ModelPort, ...]:
        shapes = [types[v].shape for v in values]
        return tuple(
            ModelPort(name, shape, "int64", np.arange(np.prod(shape)).reshape(shape))
            for name, shape in zip(names.split(), shapes, strict=True)
        )

    inputs, outputs = ports(core.inputs, "Side input"), ports(core.outputs, "a b reg")
    found = Network("two by three", passed(core.inputs), core, passed(core.outputs), inputs, outputs)
    monkeypatch.setattr(designing, "load_network", lambda *arguments: found)
    return found


def test_from_plan_to_simulation(network: Network, rng: Rng, tmp_path: Path) -> None:
    own = {"input": rng.integers(0, 256, (5, 4, 3, 2)), "Side": rng.integers(0, 256, (5, 3, 3, 3))}
    np.savez(tmp_path / "own.npz", **own)
    report = build("model.onnx", tmp_path / "b", Options("vu9p"))
    interface = Interface.load(tmp_path / "b")
    assert list(interface.inputs) == ["s_axis_side", "s_axis_input_2"]
    assert list(interface.outputs) == ["m_axis_a", "m_axis_b", "m_axis_reg_2"]
    text = (tmp_path / "b" / "README.md").read_text()
    assert "## Output `m_axis_b`: 3 x 3 x 3 frames" in text
    assert "s_axis_input_2_tvalid (s_axis_input_2_tvalid)" in (tmp_path / "b" / "two_by_three_template.v").read_text()
    result = simulate(tmp_path / "b", tmp_path / "own.npz")
    assert result.passed, result.failures
    assert (result.latency_cycles, result.interval_cycles) == (report["latency_cycles"], report["interval_cycles"])
    with pytest.raises(InputError, match="the model's inputs are Side, input"):
        simulate(tmp_path / "b", {"input": own["input"]})
    _check_faults(network, tmp_path / "b", own)
    _check_runtime(tmp_path / "b", own)


def _check_faults(network: Network, folder: Path, own: dict[str, np.ndarray]) -> None:
    """A frame of the second input that is too short spoils this frame alone; a wrong bit is found in its output."""
    frames = [own[port.name] for port in network.inputs]
    expected = network.core.evaluate(*frames)
    core = compile_core(BuildFolder.open(folder))
    found = core.run(frames, faults=[FrameFault(1, 2, port=1)])
    assert found.frame_error
    good = [0, 2, 3, 4]
    for sink, value in zip(found.sinks, network.core.outputs, strict=True):
        np.testing.assert_array_equal(sink.values[good], expected[value].reshape(sink.values.shape)[good])


def test_a_shell_takes_one_of_each(network: Network, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 inputs and 3 outputs in hardware, but the shell of platform u200 has one"):
        build("model.onnx", tmp_path / "b", Options("u200"))
    assert not (tmp_path / "b").exists()


def _check_runtime(folder: Path, own: dict[str, np.ndarray]) -> None:
    """Inputs by name or in order, outputs by name, from the Verilog."""
    expected = load(folder).named(own["Side"], own["input"])
    with runtime.load(folder) as loaded:
        for made in (
            loaded.run(**own),
            loaded.run(own["Side"], own["input"]),
            loaded.run(own["Side"], input=own["input"]),
        ):
            assert list(made.outputs) == ["a", "b", "reg"]
            for name, y in expected.items():
                np.testing.assert_array_equal(made.outputs[name], y)
        with pytest.raises(InputError, match="the input 'input' is missing"):
            loaded.run(own["Side"])
        with pytest.raises(InputError, match=r"different numbers of frames: \{'Side': 2, 'input': 5\}"):
            loaded.run(own["Side"][:2], own["input"])
        with pytest.raises(InputError, match="3 outputs"):
            loaded(own["Side"], own["input"])
