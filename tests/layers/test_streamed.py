"""Layers whose weights are streamed: every bit and every cycle, under stalls of all streams, and after resets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Bus, Stage, emit_circuit
from rtlnn.emit.primitives import simulation_models
from rtlnn.errors import CheckFailed
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import DESIGN, Circuit, Tap, WeightStream
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.layers.timing import NEVER, Repeating
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.schedule import links_of, schedule_circuit
from rtlnn.plan.streaming import ExternalMemory
from rtlnn.plan.tasks import tasks_of
from rtlnn.plan.times import solve
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import NO_STALLS, PortNames, StallMode, Stalls, StreamRun, WeightSource
from tests.integer_graphs import Builder

Rng = np.random.Generator
GENERIC, PACKED = Arithmetic.GENERIC, Arithmetic.DSP48E2
SOURCES = Stalls(0.4), Stalls(0.7), Stalls(0.5, StallMode.BURST)
BOTH = (Stalls(0.3), Stalls(0.3)), (NO_STALLS, Stalls(0.5, StallMode.PATIENT)), (Stalls(0.6), Stalls(0.6))


def _core(circuit: Circuit, folder: Path) -> CompiledCore:
    """The circuit, compiled; its weights are in `folder`."""
    frames, weights = circuit.inputs[: circuit.frame_inputs], circuit.inputs[circuit.frame_inputs :]
    names = [f"s_axis_w{n}" for n in range(len(weights))]
    inputs = [Bus("s_axis", frames[0].bits), *(Bus(name, 8) for name in names)]
    netlist = emit_circuit("dut", circuit, inputs, [Bus("m_axis", circuit.output_formats[0].bits)])
    for name, text in netlist.memories.items():
        (folder / name).write_text(text)
    for name, contents in netlist.streams.items():
        (folder / f"{name}.bin").write_bytes(contents)
    text = "\n".join(netlist.modules.values())
    if "DSP48E2 " in text:
        text += simulation_models("DSP48E2")["sim/DSP48E2.v"]
    (folder / "dut.v").write_text(text)
    guarded = any(stage.name == "frame_guard" for stage in circuit.stages)
    ports = replace(PortNames.core(["s_axis", *names]), error="frame_error" if guarded else None)
    sources = [
        WeightSource(fmt, f"{name}.bin", stream.batch, stream.pace)
        for name, fmt, stream in zip(names, weights, circuit.weights, strict=True)
    ]
    return CompiledCore.build(
        [folder / "dut.v"], "dut", frames, circuit.output_formats, folder, ports=ports, weights=sources
    )


def _check_timing(circuit: Circuit, measured: StreamRun, frames: int) -> None:
    """Every handshake of the run, at all ports, is as the layers say."""
    links, events = links_of(circuit)
    entries = [links[Tap(DESIGN, n)] for n in range(len(circuit.inputs))]
    sources = (*measured.sources, *measured.weights)
    (out,) = (links[tap] for tap in circuit.outputs)
    for n, (link, source) in enumerate(zip(entries, sources, strict=True)):
        gaps = source.offered[1:] - source.taken[:-1]
        beats = len(source.taken)
        link.taken.after(link.taken, 0, where=Repeating.of(np.arange(beats) - 1, beats, [0, *gaps]))
        if n:
            begins = np.where(np.arange(beats) == 0, 0, NEVER)
            link.taken.after(entries[0].taken, int(source.offered[0]), where=Repeating.of(begins, 0))
    solve(events, frames)
    for link, source in zip(entries, sources, strict=True):
        np.testing.assert_array_equal(link.times[: len(source.taken)], source.taken)
    np.testing.assert_array_equal(out.times, measured.output_cycles)


def _alone(graph: Graph, folding: Folding, arithmetic: Arithmetic) -> tuple[StreamedConfig, Circuit]:
    (task,) = tasks_of(graph)
    candidate = Candidate(task, folding, arithmetic)
    layer = candidate.layer
    assert isinstance(layer, StreamedConfig)
    stage = Stage("layer", layer, candidate.contents())
    taps = ((Tap(DESIGN, 0), Tap(DESIGN, 1)),)
    return layer, Circuit(layer.inputs, (stage,), taps, (Tap(0),), (WeightStream("layer", layer.batch),))


def _check_one_bit(core: CompiledCore, file: Path, frames: Array, expected: Array) -> None:
    """A single wrong bit of the stream is seen."""
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 0x40, *data[1:]]))
    with pytest.raises(CheckFailed, match="values are wrong"):
        core.run(frames).check(expected)
    file.write_bytes(data)


CASES = {
    # inputs, outputs, folding, arithmetic
    "rests": (13, 7, Folding(3, 4, (1, 1), stream=4), GENERIC),
    "block RAM": (80, 6, Folding(2, 2, (1, 1), stream=2), PACKED),
    "words of beats": (64, 20, Folding(5, 32, (1, 1), stream=1), PACKED),
    "one step a pass": (10, 12, Folding(4, 10, (1, 1), stream=1), GENERIC),
}


@pytest.mark.parametrize("name", CASES)
def test_alone(name: str, rng: Rng, tmp_path: Path) -> None:
    """A layer's bits and cycles; its steps never wait once both frames and weights have come."""
    inputs, outputs, folding, arithmetic = CASES[name]
    graph = Builder(rng, (1, 1, inputs)).dense(outputs, 8).graph()
    layer, circuit = _alone(graph, folding, arithmetic)
    count = 3 * layer.batch
    frames = rng.integers(0, 256, (count, 1, 1, inputs))
    expected = graph.evaluate(frames)[graph.outputs[0]]
    core = _core(circuit, tmp_path)
    for source in (NO_STALLS, *SOURCES):
        measured = core.run(frames, source_stall=source, quiet_limit=5000)
        measured.check(expected)
        _check_timing(circuit, measured, count)
    for n, (source, sink_stall) in enumerate(BOTH):
        core.run(frames, source_stall=source, sink_stall=sink_stall, seed=n, quiet_limit=5000).check(expected)
    if name == "rests":
        _check_one_bit(core, tmp_path / "s_axis_w0.bin", frames, expected)
    for n, cycle in enumerate(rng.integers(1, core.run(frames).cycles, 5)):
        source, sink_stall = BOTH[n % 3] if n % 2 else (NO_STALLS, NO_STALLS)
        core.run(frames, source_stall=source, sink_stall=sink_stall, reset_at=int(cycle)).check(expected)


def test_case_kinds(rng: Rng) -> None:
    """The cases are what their names say."""

    def layer(name: str) -> StreamedConfig:
        inputs, outputs, folding, arithmetic = CASES[name]
        return _alone(Builder(rng, (1, 1, inputs)).dense(outputs, 8).graph(), folding, arithmetic)[0]

    assert layer("block RAM").weight_layout.kind is MemoryKind.BRAM
    assert layer("words of beats").word_beats == 2
    assert layer("one step a pass").steps == 1
    assert len(layer("words of beats").weight_layout.slices) > 1


def _mlp(rng: Rng, sizes: Sequence[int]) -> Graph:
    builder = Builder(rng, (1, 1, sizes[0]))
    for size in sizes[1:]:
        builder = builder.dense(size, 8).requantize()
    return builder.graph()


@pytest.mark.parametrize("batch", [1, 2])
def test_network(rng: Rng, tmp_path: Path, batch: int) -> None:
    """A chain as a build makes it, its memory fast or slow: the schedule is met to the cycle."""
    graph = _mlp(rng, (20, 16, 24, 10))
    tasks = tasks_of(graph)
    foldings = Folding(2, 5, (1, 1), stream=batch), Folding(3, 4, (1, 1)), Folding(2, 6, (1, 1), stream=batch)
    options = [Candidate(task, folding, PACKED) for task, folding in zip(tasks, foldings, strict=True)]
    arithmetic = max(option.cycles for option in options)
    # 320 weights in words of 10, 240 in words of 12; both in beats of 16 bytes
    most = (32 + 20) * 16 / batch
    for bandwidth in (None, most / arithmetic, most / arithmetic / 1.6):
        memory = ExternalMemory((bandwidth,)) if bandwidth else None
        circuit = Assembly(graph, tasks, memory=memory).circuit(options, contents=True)
        plan = schedule_circuit(circuit)
        frames = rng.integers(0, 256, (plan.frames, 1, 1, 20))
        measured = _core(circuit, tmp_path).run(frames)
        measured.check(graph.evaluate(frames)[graph.outputs[0]])
        assert tuple(measured.ends) == plan.ends
        bound = max(arithmetic, most / bandwidth if bandwidth else 0)
        assert bound <= plan.interval <= bound + 2


def test_refused(rng: Rng) -> None:
    """Only layers of one position can have their weights streamed."""
    (task,) = tasks_of(Builder(rng, (2, 2, 4)).conv(3, Window((1, 1)), 8).graph())
    with pytest.raises(ValueError, match="layers of one position"):
        _ = Candidate(task, Folding(1, 2, (1, 1), stream=1)).layer
