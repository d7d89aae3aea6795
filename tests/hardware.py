"""Runs layers and chains of layers in simulation: every bit, and the cycle of every beat, under all kinds of stalls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtlnn.emit.netlist import Netlist, Stage, emit_chain
from rtlnn.emit.primitives import simulation_models
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import LayerConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.timing import Link, Process, run, sink
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.chain import chain_of
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.layer_check import LayerCheck, check_layer
from rtlnn.sim.stream_run import PortNames

__all__ = ["Design", "arrivals_and_departures", "chain", "kernel", "stages_of"]

_MODELS = {name: simulation_models(name)[f"sim/{name}.v"] for name in ("DSP48E2",)}
"""Of the primitives that a design may instantiate."""


def _late_source(link: Link, gaps: Sequence[int]) -> Process:
    """A source that offers beat j `gaps[j]` cycles after beat j - 1 was taken."""
    for j, gap in enumerate(gaps):
        if j and len(link.taken.times) < j:
            yield link.taken, j - 1
        link.offered.times.append(link.taken.times[j - 1] + gap if j else 0)


def arrivals_and_departures(layers: Sequence[LayerConfig], gaps: Array) -> tuple[Array, Array]:
    """When a chain takes and delivers each beat, for whole frames and a sink that is always ready."""
    links = [Link(layers[0].input), *(Link(layer.output) for layer in layers)]
    processes = [p for n, layer in enumerate(layers) for p in layer.processes(links[n], links[n + 1])]
    gap_list = [int(g) for g in gaps]
    run([_late_source(links[0], gap_list), *processes, *(link.process() for link in links), sink(links[-1])])
    frames = len(gap_list) // links[0].format.beats
    arrivals, departures = links[0].taken.times, links[-1].taken.times[: frames * links[-1].format.beats]
    return np.array(arrivals), np.array(departures)


@dataclass(frozen=True)
class Design:
    """Stages, emitted into `folder`."""

    stages: tuple[Stage, ...]
    netlist: Netlist
    folder: Path

    @classmethod
    def of(cls, stages: Sequence[Stage], folder: Path) -> "Design":
        first, last = stages[0].layer.input, stages[-1].layer.output
        netlist = emit_chain("dut", stages, first.bits, last.bits)
        for name, text in netlist.memories.items():
            (folder / name).write_text(text)
        return cls(tuple(stages), netlist, folder)

    @property
    def verilog(self) -> str:
        modules = "\n".join(self.netlist.modules.values())
        models = [text for name, text in _MODELS.items() if f"{name} " in modules]
        return "\n".join([modules, *models])

    @property
    def ports(self) -> PortNames:
        guarded = any(isinstance(s.layer, GuardConfig) for s in self.stages)
        return PortNames.core() if guarded else replace(PortNames.core(), error=None)

    def core(self) -> CompiledCore:
        """The design, ready for runs of its own."""
        first, last = self.stages[0].layer.input, self.stages[-1].layer.output
        file = self.folder / "dut.v"
        file.write_text(self.verilog)
        return CompiledCore.build([file], "dut", first, last, self.folder, ports=self.ports)

    def check(
        self, frames: Array, expected: Array, seed: int = 0, timing: Sequence[LayerConfig] | None = None
    ) -> LayerCheck:
        """Every value, and every handshake's cycle on both sides, without stalls and with a stalling source.

        `timing` are the layers whose timing is expected (default: the design's own).
        """
        layers = [s.layer for s in self.stages] if timing is None else timing
        first, last = self.stages[0].layer.input, self.stages[-1].layer.output
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
    stages = chain_of(graph.types[graph.inputs[0]], graph.types[graph.outputs[0]], made)
    return Design.of(stages, folder).check(frames, graph.evaluate(frames)[graph.outputs[0]])
