"""Runs layers and chains of layers in simulation: every bit, and the cycle of every beat, under all kinds of stalls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtlnn.emit.netlist import Bus, Netlist, Stage, emit_circuit
from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import DESIGN, Circuit, Tap
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.timing import Repeating
from rtlnn.plan.assembly import Assembly, Edge
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.option import Option
from rtlnn.plan.queues import settle_queues
from rtlnn.plan.schedule import links_of
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from rtlnn.plan.times import solve
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.layer_check import LayerCheck, check_layer
from rtlnn.sim.stream_run import PortNames

__all__ = ["Design", "arrivals_and_departures", "branches", "chain", "kernel", "stages_of"]

_MODELS = {name: simulation_models(name)[f"sim/{name}.v"] for name in ("DSP48E2",)}
"""Of the primitives that a design may instantiate."""


def arrivals_and_departures(layers: Circuit | Sequence[StreamingLayer], gaps: Array) -> tuple[Array, Array]:
    """When layers take and deliver each beat, for whole frames and a sink that is always ready.

    The source offers beat j `gaps[j]` cycles after beat j - 1 was taken.
    """
    if not isinstance(layers, Circuit):
        layers = Circuit.chain([Stage(f"layer{n}", layer) for n, layer in enumerate(layers)])
    links, events = links_of(layers)
    first, last = links[Tap(DESIGN)], links[layers.outputs[0]]
    first.taken.after(first.taken, 0, where=Repeating.of(np.arange(len(gaps)) - 1, len(gaps), gaps))
    solve(events, len(gaps) // first.format.beats)
    return first.times, last.times


@dataclass(frozen=True)
class Design:
    """A circuit, emitted into `folder`."""

    circuit: Circuit
    netlist: Netlist
    folder: Path

    @classmethod
    def of(cls, stages: Circuit | Sequence[Stage], folder: Path) -> "Design":
        """Of a circuit with one input and one output, or of stages one after the other."""
        circuit = stages if isinstance(stages, Circuit) else Circuit.chain(stages)
        (first,), (last,) = circuit.inputs, circuit.output_formats
        netlist = emit_circuit("dut", circuit, [Bus("s_axis", first.bits)], [Bus("m_axis", last.bits)])
        for name, text in netlist.memories.items():
            (folder / name).write_text(text)
        (folder / WEIGHTS_FILE).write_bytes(netlist.weights)
        return cls(circuit, netlist, folder)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self.circuit.stages

    @property
    def verilog(self) -> str:
        modules = "\n".join(self.netlist.modules.values())
        models = [text for name, text in _MODELS.items() if f"{name} " in modules]
        return "\n".join([modules, *models])

    @property
    def ports(self) -> PortNames:
        guarded = any(isinstance(s.layer, GuardConfig) for s in self.stages)
        ports = PortNames.core(weights=bool(self.netlist.weights))
        return ports if guarded else replace(ports, error=None)

    def core(self) -> CompiledCore:
        """The design, ready for runs of its own."""
        (first,), (last,) = self.circuit.inputs, self.circuit.output_formats
        file = self.folder / "dut.v"
        file.write_text(self.verilog)
        return CompiledCore.build([file], "dut", first, last, self.folder, ports=self.ports)

    def check(
        self, frames: Array, expected: Array, seed: int = 0, timing: Sequence[StreamingLayer] | None = None
    ) -> LayerCheck:
        """Every value, and every handshake's cycle on both sides, without stalls and with a stalling source.

        `timing` are the layers whose timing is expected (default: the design's own).
        """
        layers = self.circuit if timing is None else timing
        (first,), (last,) = self.circuit.inputs, self.circuit.output_formats
        return check_layer(
            self.verilog,
            "dut",
            first,
            last,
            frames,
            expected,
            timing=lambda gaps: arrivals_and_departures(layers, gaps),
            mem_dir=self.folder,
            ports=self.ports,
            seed=seed,
            quiet_limit=20_000,
        )


def stages_of(graph: Graph, foldings: Sequence[Folding], arithmetic: Arithmetic = Arithmetic.GENERIC) -> list[Stage]:
    """A stage for each kernel of the graph, without anything between them."""
    tasks = tasks_of(graph, pools=True)
    made = [Candidate(task, folding, arithmetic) for task, folding in zip(tasks, foldings, strict=True)]
    return [Stage(f"kernel{n}", c.kernel, c.contents()) for n, c in enumerate(made)]


def kernel(
    graph: Graph,
    folding: Folding,
    frames: Array,
    folder: Path,
    change: Callable[[Stage], Stage] = lambda s: s,
    arithmetic: Arithmetic = Arithmetic.GENERIC,
) -> LayerCheck:
    """Check the graph's only kernel in this folding; `change` plants a fault."""
    (stage,) = stages_of(graph, [folding], arithmetic)
    expected = graph.evaluate(frames)[graph.outputs[0]]
    return Design.of([change(stage)], folder).check(frames, expected, timing=[stage.layer])


def chain(graph: Graph, foldings: Sequence[Folding], frames: Array, folder: Path) -> LayerCheck:
    """Check the whole chain as a build makes it: guard, width converters, kernels, output register."""
    tasks = tasks_of(graph, pools=True)
    made = [Candidate(task, folding) for task, folding in zip(tasks, foldings, strict=True)]
    circuit = Assembly(graph, tasks).circuit(made, contents=True)
    return Design.of(circuit, folder).check(frames, graph.evaluate(frames)[graph.outputs[0]])


def branches(
    graph: Graph,
    sizes: Sequence[Folding | int],
    frames: Array,
    folder: Path,
    arithmetic: Arithmetic = Arithmetic.GENERIC,
    dies: Sequence[int] = (),
) -> tuple[LayerCheck, dict[Edge, int]]:
    """Check a graph of one input and one output as a build makes it; returns the queues' depths, too.

    `sizes` are the kernels' foldings, and the lanes of all other layers; `dies` what they are on, if several.
    """
    tasks = tasks_of(graph, pools=True)
    made: list[Option] = [
        Candidate(task, size, arithmetic) if isinstance(size, Folding) else SimpleOption(task, size, arithmetic)
        for task, size in zip(tasks, sizes, strict=True)
    ]
    assembly = Assembly(graph, tasks, {task.name: die for task, die in zip(tasks, dies, strict=False)})
    depths, _ = settle_queues(lambda d, blocks: assembly.circuit(made, d, blocks=blocks), assembly.edges)
    design = Design.of(assembly.circuit(made, depths, contents=True), folder)
    return design.check(frames, graph.evaluate(frames)[graph.outputs[0]]), depths
