"""What a worker process does: one module compiled, and the layers of its configuration run through it."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.names import SEPARATOR
from rtlnn.emit.netlist import Bus, Netlist, Stage, emit_circuit
from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import CheckFailed, InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import DESIGN, Circuit, Tap, WeightStream
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.plan.layer_plan import LayerPlan, option_of
from rtlnn.plan.option import Option
from rtlnn.plan.schedule import Schedule, schedule_circuit
from rtlnn.plan.tasks import Task
from rtlnn.sim.by_layer.result import LayerResult
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import NO_STALLS, PortNames, Stalls, StreamRun, WeightSource, mismatch

__all__ = ["Item", "ModuleJob", "run_module"]

STALLS = Stalls(0.25)
TOP, STAGE = "layer", "stage"
"""Names that are the same for all layers, so that equal ones are equal Verilog."""


@dataclass(frozen=True, eq=False)
class Item:
    """One layer to simulate.

    Parameters
    ----------
    task : what it computes, with no more of the network's constants than it needs
    line : its line of the plan
    arithmetic : of the platform
    module : its name in the build
    inputs, expected : frames [N, ...] of each input, and of the output
    files : the build's own Verilog and memory files of the module, by name
    """

    task: Task
    line: LayerPlan
    arithmetic: Arithmetic
    module: str
    inputs: tuple[NDArray[np.integer], ...]
    expected: NDArray[np.integer]
    files: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ModuleJob:
    """The layers of one configuration, for one worker; `stalls` says whether they run a second time, with stalls."""

    items: tuple[Item, ...]
    stalls: bool
    seed: int


def run_module(job: ModuleJob) -> list[LayerResult]:
    """Compile the module and run all its layers. Raises `InputError` where the build's files are not this design's."""
    results: list[LayerResult] = []
    planned: Schedule | None = None
    for given in job.items:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            circuit = _alone(option_of(given.task, given.line, given.arithmetic))
            item = _in_batches(given, circuit.batch)
            netlist = _emitted(circuit)
            _compare(netlist, item)
            core = _compiled(circuit, netlist, folder)
            if planned is None:
                planned = schedule_circuit(circuit, len(item.expected) // circuit.batch)
            build_seconds = time.perf_counter() - started
            results.append(_simulated(core, item, planned, job, build_seconds))
    return results


def _in_batches(item: Item, batch: int) -> Item:
    """Whole batches of frames, the first ones again at the end."""
    whole = -(-len(item.expected) // batch) * batch
    inputs = tuple(np.resize(array, (whole, *array.shape[1:])) for array in item.inputs)
    return replace(item, inputs=inputs, expected=np.resize(item.expected, (whole, *item.expected.shape[1:])))


def _alone(option: Option) -> Circuit:
    """The layer by itself; weights that are loaded need a guard in front of it that waits for them.

    Streamed weights come as fast as they are taken.
    """
    layer: StreamingLayer = option.layer
    stages, taps = [], []
    weights = (WeightStream(STAGE, layer.batch),) if isinstance(layer, StreamedConfig) else ()
    for port, fmt in enumerate(layer.frame_inputs):
        taps.append(Tap(DESIGN, port))
        if any(memory.loaded for memory in layer.memories):
            stages.append(Stage(f"guard{port}", GuardConfig(fmt, gated=True)))
            taps[-1] = Tap(port)
    taps += [Tap(DESIGN, len(taps) + n) for n in range(len(weights))]
    sources = [*((Tap(DESIGN, n),) for n in range(len(stages))), tuple(taps)]
    stages.append(Stage(STAGE, layer, option.contents()))
    outputs = tuple(Tap(len(stages) - 1, port) for port in range(len(layer.outputs)))
    return Circuit(layer.inputs, tuple(stages), tuple(sources), outputs, weights)


def _buses(circuit: Circuit) -> tuple[list[str], list[str]]:
    sides = (("s_axis", circuit.inputs), ("m_axis", circuit.output_formats))
    inputs, outputs = ([f"{name}_{n}" for n in range(len(formats))] for name, formats in sides)
    return inputs, outputs


def _emitted(circuit: Circuit) -> Netlist:
    inputs, outputs = _buses(circuit)
    return emit_circuit(
        TOP,
        circuit,
        [Bus(name, fmt.bits) for name, fmt in zip(inputs, circuit.inputs, strict=True)],
        [Bus(name, fmt.bits) for name, fmt in zip(outputs, circuit.output_formats, strict=True)],
    )


def _compare(netlist: Netlist, item: Item) -> None:
    """The build's own files say the same, under the build's names: what is simulated is what was built."""
    own = f"{TOP}_{STAGE}"
    made = {f"{name}.v": text for name, text in netlist.modules.items()} | dict(netlist.memories)
    for name, text in made.items():
        if name.split(".")[0] != own and not name.startswith(f"{own}{SEPARATOR}"):
            continue
        built = name.replace(own, item.module, 1)
        if built in item.files and item.files[built] != text.replace(own, item.module):
            raise InputError(
                f"{built} of the build is not what its plan and network make: it was edited, or another version of "
                "rtlnn wrote it; build again"
            )


def _compiled(circuit: Circuit, netlist: Netlist, folder: Path) -> CompiledCore:
    for name, text in netlist.memories.items():
        (folder / name).write_text(text)
    (folder / WEIGHTS_FILE).write_bytes(netlist.weights)
    for bus, contents in netlist.streams.items():
        (folder / f"{bus}.bin").write_bytes(contents)
    sources = "\n".join(netlist.modules.values())
    if "DSP48E2" in sources:
        sources += "\n" + simulation_models("DSP48E2")["sim/DSP48E2.v"]
    file = folder / f"{TOP}.v"
    file.write_text(sources)
    ports = PortNames.core(*_buses(circuit), weights=bool(netlist.weights))
    if not netlist.weights:
        ports = replace(ports, error=None)
    frames, streams = circuit.inputs[: circuit.frame_inputs], circuit.inputs[circuit.frame_inputs :]
    weights = [
        WeightSource(fmt, f"{bus}.bin", stream.batch, stream.pace)
        for bus, fmt, stream in zip(netlist.streams, streams, circuit.weights, strict=True)
    ]
    return CompiledCore.build([file], TOP, frames, circuit.output_formats, folder, ports=ports, weights=weights)


def _simulated(core: CompiledCore, item: Item, planned: Schedule, job: ModuleJob, build_seconds: float) -> LayerResult:
    failures: list[str] = []
    runs: list[StreamRun] = []
    quiet = 20_000 + 4 * max(planned.ends, default=0)
    wrong = 0
    for name, stalls in (("no stalls", NO_STALLS), ("random stalls", STALLS))[: 1 + job.stalls]:
        try:
            run = core.run(list(item.inputs), source_stall=stalls, sink_stall=stalls, seed=job.seed, quiet_limit=quiet)
        except CheckFailed as error:
            failures.append(f"{name}: {error}")
            break
        runs.append(run)
        failures += [f"{name}: {text}" for text in run.violations]
        if problem := mismatch(run.outputs, item.expected):
            failures.append(f"{name}: {problem}")
            wrong += int((run.outputs != item.expected.reshape(run.outputs.shape)).sum())
        if stalls is NO_STALLS:
            failures += [f"{name}: {text}" for text in _off_schedule(run, planned)]
    task = item.task
    return LayerResult(
        name=task.name,
        op=task.kind,
        module=item.module,
        frames=len(item.expected),
        mismatches=wrong,
        failures=tuple(failures),
        interval=_interval([int(n) for n in runs[0].ends]) if runs else None,
        planned=_interval(planned.ends),
        cycles=sum(run.cycles for run in runs),
        seconds=sum(run.seconds for run in runs),
        build_seconds=build_seconds,
    )


def _interval(ends: Sequence[int]) -> int | None:
    if len(ends) < 2:
        return ends[0] if ends else None
    return ends[-1] - ends[-2]


def _off_schedule(run: StreamRun, planned: Schedule) -> list[str]:
    """Where handshakes are not in the cycles that the schedule says."""
    sides = (
        ("input", [source.taken for source in run.sources], planned.inputs),
        ("output", [sink.taken for sink in run.sinks], planned.outputs),
    )
    told = []
    for side, ports, plans in sides:
        for number, (measured, plan) in enumerate(zip(ports, plans, strict=True)):
            expected = np.asarray(plan, np.int64)[: len(measured)]
            late = np.flatnonzero(measured[: len(expected)] != expected)
            if len(expected) < len(measured):
                told.append(f"{side} {number}: {len(measured)} beats, the schedule has {len(expected)}")
            elif len(late):
                beat = int(late[0])
                told.append(f"{side} {number}: beat {beat} in cycle {measured[beat]}, planned {expected[beat]}")
    return told
