"""FIFOs, skid buffers, and the frame guard."""

from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.layers.fifo import FifoConfig, SkidConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import Window
from rtlnn.plan.folding import Folding
from rtlnn.sim.stream_run import NO_STALLS, FrameFault, Stalls, StreamRun
from tests.hardware import Design, stages_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
STALLS = [(NO_STALLS, NO_STALLS), (Stalls(0.4), NO_STALLS), (NO_STALLS, Stalls(0.4)), (Stalls(0.3), Stalls(0.3))]


def test_queues_of_all_depths_in_a_row(rng: Rng, tmp_path: Path) -> None:
    fmt = StreamFormat(3, 7, False, 5, 4)
    layers = [FifoConfig(fmt, 2), SkidConfig(fmt), FifoConfig(fmt, 3), FifoConfig(fmt, 33), SkidConfig(fmt)]
    layers += [FifoConfig(fmt, depth, MemoryKind.BRAM) for depth in (2, 5, 19)]
    frames = rng.integers(0, 128, (5, 4, 5))
    Design.of([Stage(f"queue{n}", layer) for n, layer in enumerate(layers)], tmp_path).check(frames, frames)


def test_a_queue_of_one_beat_would_halve_the_rate() -> None:
    with pytest.raises(ValueError, match="at least 2 beats"):
        FifoConfig(StreamFormat(1, 1, False, 1, 1), 1)


def test_block_ram_takes_the_place_of_many_luts() -> None:
    narrow, wide = (StreamFormat(n, 8, False, 64, 4) for n in (1, 64))
    kinds = [
        FifoConfig.of(fmt, depth).memory for fmt, depth in ((narrow, 200), (narrow, 2000), (wide, 64), (wide, 500))
    ]
    assert kinds == [MemoryKind.LUTRAM, MemoryKind.BRAM, MemoryKind.LUTRAM, MemoryKind.BRAM]
    assert FifoConfig.of(wide, 500).resources.bram36 == 7.5


def _but_for(short: list[FrameFault], expected: np.ndarray, found: StreamRun, beats: int) -> np.ndarray:
    """`expected`, but for the frames that ended early: the beats that the guard adds have any value."""
    result = expected.copy()
    for fault in short:
        if fault.beats < beats:
            result[fault.frame] = found.outputs.reshape(expected.shape)[fault.frame]
    return result


FAULTS = {
    "early": [FrameFault(1, 3)],
    "late": [FrameFault(1, 15)],
    "after the first beat": [FrameFault(1, 1)],
    "one beat early, one late, in a row": [FrameFault(1, 11), FrameFault(2, 13), FrameFault(3, 1), FrameFault(4, 40)],
    "the very first frame": [FrameFault(0, 2)],
}


def test_the_guard_repairs_frames(rng: Rng, tmp_path: Path) -> None:
    fmt = StreamFormat(2, 8, True, 2, 12)
    # the beats that the guard adds may change while they wait
    core = Design.of([Stage("guard", GuardConfig(fmt)), Stage("skid", SkidConfig(fmt))], tmp_path).core()
    frames = rng.integers(-128, 128, (7, 12, 2))
    for name, faults in FAULTS.items():
        for seed, (source, sink) in enumerate(STALLS):
            found = core.run(frames, source_stall=source, sink_stall=sink, faults=faults, seed=seed)
            found.check(_but_for(faults, frames, found, fmt.beats))
            before = faults[0].frame * fmt.beats
            last = before + min(faults[0].beats, fmt.beats) - 1
            assert found.frame_error_cycle == found.input_cycles[last] + 1, name
    assert not core.run(frames, source_stall=Stalls(0.3), sink_stall=Stalls(0.3)).frame_error


def test_the_guard_of_frames_of_one_beat(rng: Rng, tmp_path: Path) -> None:
    """They cannot end early; what is too long is dropped. The layer behind it stays in step."""
    builder = Builder(rng, (1, 1, 3)).dense(2).requantize()
    graph = builder.graph()
    (stage,) = stages_of(graph, [Folding(1, 3, (1, 1))])
    core = Design.of([Stage("guard", GuardConfig(stage.layer.input)), stage], tmp_path).core()
    frames = builder.frames(6)
    expected = graph.evaluate(frames)[graph.outputs[0]]
    for source, sink in STALLS:
        found = core.run(frames, source_stall=source, sink_stall=sink, faults=[FrameFault(1, 2), FrameFault(3, 7)])
        found.check(expected)
        assert found.frame_error


def test_a_layer_behind_the_guard_recovers(rng: Rng, tmp_path: Path) -> None:
    builder = Builder(rng, (4, 5, 3)).conv(2, Window((3, 2), (2, 1), (1, 0, 1, 1))).requantize()
    graph = builder.graph()
    (stage,) = stages_of(graph, [Folding(1, 2, (1, 2))])
    guard = Stage("guard", GuardConfig(stage.layer.input))
    design = Design.of([guard, stage], tmp_path)
    core, fmt = design.core(), guard.layer.input
    frames = builder.frames(7)
    whole = graph.evaluate(frames)[graph.outputs[0]]
    for faults in ([FrameFault(1, 7)], [FrameFault(1, 41), FrameFault(2, 39), FrameFault(3, 1), FrameFault(4, 90)]):
        for source, sink in STALLS:
            found = core.run(frames, source_stall=source, sink_stall=sink, faults=faults)
            found.check(_but_for(faults, whole, found, fmt.beats))
            assert found.frame_error
