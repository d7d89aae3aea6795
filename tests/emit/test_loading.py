"""Weights that are loaded: through the port, in time, again between frames, and not by halves."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.documents import instantiation_template
from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.netlist import Bus, Stage, emit_circuit
from rtlnn.emit.weights import WEIGHTS_FILE, load_weights, weight_bytes
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.weight_loader import LoaderConfig
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import Deadlock, PortNames, StallMode, Stalls
from tests.hardware import Design, stages_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
URAM = MemoryKind.URAM
FOLDINGS = Folding(3, 5, (1, 1), memory=URAM), Folding(2, 3, (1, 1), memory=URAM)
"""8 words of 120 bits, and 24 of 48."""


def _graph(rng: Rng, conv: Array, dense: Array) -> Graph:
    return Builder(rng, (3, 3, 5)).conv(6, Window((2, 2)), 8, conv).flatten().dense(6, 8, dense).graph()


def _design(graph: Graph, folder: Path) -> Design:
    folder.mkdir(exist_ok=True)
    tasks = tasks_of(graph)
    made = [Candidate(task, folding) for task, folding in zip(tasks, FOLDINGS, strict=True)]
    return Design.of(Assembly(graph, tasks).circuit(made, contents=True), folder)


def _weights(rng: Rng) -> tuple[Array, Array]:
    return rng.integers(-127, 128, (6, 2, 2, 5)), rng.integers(-127, 128, (6, 24))


def test_frames_wait_for_the_weights(rng: Rng, tmp_path: Path) -> None:
    """Every bit and cycle, with stalls and resets, which the weights outlive; a wrong bit of them is found."""
    graph = _graph(rng, *_weights(rng))
    design = _design(graph, tmp_path)
    assert design.circuit.loader == LoaderConfig(((8, 120), (24, 48)))
    assert design.circuit.loader.beats == 8 * 2 + 24
    assert not [name for name in design.netlist.memories if "weight" in name]
    frames = rng.integers(0, 256, (5, 3, 3, 5))
    expected = graph.evaluate(frames)[graph.outputs[0]]
    design.check(frames, expected)
    core = design.core()
    for cycle in range(1, 40, 3):
        core.run(frames, reset_at=cycle).check(expected)
    words = load_weights(tmp_path)
    words[-1] ^= 1 << 47
    words.tofile(tmp_path / WEIGHTS_FILE)
    assert (core.run(frames).outputs != expected.reshape(5, 1, 6)).any()


def test_other_weights_take_over_between_frames(rng: Rng, tmp_path: Path) -> None:
    """Frames that came before the new weights have the old ones, whole; all later ones the new ones."""
    conv, dense = _weights(rng)
    bias = np.random.default_rng(1)
    old = _graph(bias, conv, dense)
    new = replace(old, constants={**old.constants, "conv0.w": conv[::-1], "dense2.w": dense[::-1]})
    before, after = _design(old, tmp_path / "old"), _design(new, tmp_path / "new")
    assert [s.layer for s in before.stages] == [s.layer for s in after.stages]
    reload = load_weights(after.folder)
    frames = rng.integers(0, 256, (30, 3, 3, 5))
    of_old, of_new = (g.evaluate(frames)[g.outputs[0]].reshape(30, 1, 6) for g in (old, new))
    core = before.core()
    for source, sink in ((Stalls(0), Stalls(0)), (Stalls(0.4), Stalls(0.4)), (Stalls(0.9), Stalls(0))):
        run = core.run(frames, reload=reload, source_stall=source, sink_stall=sink)
        changed = (run.outputs == of_new).all(axis=(1, 2))
        first = int(np.argmax(changed))
        assert 0 <= first < 20
        run.check(np.concatenate([of_old[:first], of_new[first:]]))
        assert not run.frame_error


def test_frames_of_several_inputs_are_not_torn_apart(rng: Rng, tmp_path: Path) -> None:
    """New weights wait for a moment in which no input has begun a frame that others have not."""
    builder = Builder(rng, (1, 1, 6)).dense(4, bias=np.zeros(1))
    (node,), kind, w = builder.graph().nodes, builder.types["x"], builder.constants["dense0.w"]
    graph = builder.graph()
    other = Node("other", node.op, ("z", "other.w", node.inputs[2]), "other.y")
    old = Graph(
        ("x", "z"), (node.output, other.output), (node, other),
        {**graph.types, "z": kind, "other.w": graph.types["dense0.w"], "other.y": graph.types[node.output]},
        {**graph.constants, "other.w": w[::-1]},
    )  # fmt: skip
    new = replace(old, constants={**old.constants, "dense0.w": w[::-1], "other.w": w})
    buses = [Bus(name, 8) for name in ("s_axis_x", "s_axis_z")], [Bus(name, 32) for name in ("m_axis_y", "m_axis_v")]
    words = []
    for found in (new, old):
        tasks = tasks_of(found)
        made = [Candidate(task, Folding(2, 2 + k, (1, 1), memory=URAM)) for k, task in enumerate(tasks)]
        circuit = Assembly(found, tasks).circuit(made, contents=True)
        assert circuit.loader == LoaderConfig(((6, 32), (4, 48)), 2, 2)
        netlist = emit_circuit("dut", circuit, *buses)
        for name, text in netlist.memories.items():
            (tmp_path / name).write_text(text)
        (tmp_path / WEIGHTS_FILE).write_bytes(netlist.weights)
        words.append(load_weights(tmp_path))
    (tmp_path / "dut.v").write_text("\n".join(netlist.modules.values()))
    formats = [replace(f, bits=8) for f in circuit.inputs], [replace(f, bits=32) for f in circuit.output_formats]
    ports = PortNames.core(*([bus.name for bus in side] for side in buses), weights=True)
    core = CompiledCore.build([tmp_path / "dut.v"], "dut", *formats, tmp_path, ports=ports)
    frames = rng.integers(0, 256, (2, 40, 1, 1, 6))
    of_old, of_new = (
        np.concatenate([g.evaluate(*frames)[v].reshape(40, -1) for v in g.outputs], axis=1) for g in (old, new)
    )
    changes = set()
    for seed in range(6):
        run = core.run(list(frames), reload=words[0], source_stall=Stalls(0.93, StallMode.BURST), seed=seed)
        came = np.concatenate([sink.values.reshape(40, -1) for sink in run.sinks], axis=1)
        first = int((came == of_old).all(axis=1).argmin()) if (came != of_old).any() else 40
        np.testing.assert_array_equal(came, np.concatenate([of_old[:first], of_new[first:]]))
        assert not run.violations
        changes.add(first)
    assert len(changes - {0, 40}) > 1, "the new weights must come in the midst of the frames"


def test_part_of_the_weights_count_as_none(rng: Rng, tmp_path: Path) -> None:
    graph = _graph(rng, *_weights(rng))
    design = _design(graph, tmp_path)
    words = load_weights(tmp_path)
    core = design.core()
    frames = rng.integers(0, 256, (3, 3, 3, 5))
    for wrong in (words[:-1], words[:1], np.concatenate([words, words[:3]])):
        wrong.tofile(tmp_path / WEIGHTS_FILE)
        with pytest.raises(Deadlock, match="0 of 27 beats in"):
            core.run(frames, quiet_limit=2000)
        # what comes after is a load of its own
        core.run(frames, reload=words).check(graph.evaluate(frames)[graph.outputs[0]])
    (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(InputError, match=r"weights\.bin cannot be read"):
        core.run(frames)


def test_the_documents_name_every_port(rng: Rng, tmp_path: Path) -> None:
    design = _design(_graph(rng, *_weights(rng)), tmp_path)
    (header,) = re.findall(r"^module dut ?\((.*?)\);", design.netlist.modules["dut"], re.MULTILINE | re.DOTALL)
    ports = set(header.replace(",", " ").split())
    assert {"s_axis_weights_tdata", "weights_loaded"} < ports
    port = StreamPort((3, 3, 5), 5, 8, 8, False, 1.0, 0)
    template = instantiation_template(
        Interface("dut", None, {"s_axis": port}, {"m_axis": port}, 100, 50, design.circuit.loader.beats)
    )
    assert set(re.findall(r"^ +\.(\w+)", template, re.MULTILINE)) == ports


def test_words_lie_in_beats_of_64_bits() -> None:
    data = weight_bytes([(65, [1, 1 << 64]), (3, [5])])
    assert np.frombuffer(data, "<u8").tolist() == [1, 0, 0, 1, 5]


def test_no_other_memory_is_loaded(rng: Rng) -> None:
    builder = Builder(rng, (1, 1, 300)).dense(8).requantize()
    for kind in (MemoryKind.LUTRAM, MemoryKind.BRAM):
        (stage,) = stages_of(builder.graph(), [Folding(2, 2, (1, 1), memory=kind)])
        assert isinstance(stage.layer, KernelConfig)
        assert not any(port.loaded for port in stage.layer.memories)
        assert stage.layer.weight_memories[0].kind is kind


def test_an_input_that_cannot_be_closed_is_refused(rng: Rng, tmp_path: Path) -> None:
    builder = Builder(rng, (1, 1, 300)).dense(8)
    (stage,) = stages_of(builder.graph(), [Folding(2, 2, (1, 1), memory=URAM)])
    guard = Stage("guard", GuardConfig(stage.layer.inputs[0]))
    with pytest.raises(ValueError, match="1 inputs, but 0 guards"):
        Design.of([guard, stage], tmp_path)


@pytest.mark.parametrize(("pe", "own"), [(2, 0), (10, 12)])
def test_narrow_slices_share_memories(pe: int, own: int, rng: Rng, tmp_path: Path) -> None:
    """Chains of twelve slices: words of 16 bits are all in one memory; of 80 bits, what is above 72."""
    graph = Builder(rng, (1, 1, 24)).dense(10, 8).graph()
    (task,) = tasks_of(graph)
    made = Candidate(task, Folding(pe, 12, (1, 1), memory=URAM), Arithmetic.DSP48E2)
    layout = made.kernel.weight_layout
    assert len(layout.slices) == 12
    assert len(layout.own) == own
    assert layout.shared
    design = Design.of(Assembly(graph, [task]).circuit([made], contents=True), tmp_path)
    frames = rng.integers(0, 256, (6, 1, 1, 24))
    expected = graph.evaluate(frames)[graph.outputs[0]]
    design.check(frames, expected)
    # a bit of the last slice, which comes last from the shared memory
    words = load_weights(tmp_path)
    words[-1] ^= 1
    words.tofile(tmp_path / WEIGHTS_FILE)
    assert (design.core().run(frames).outputs != expected.reshape(6, 1, 10)).any()
