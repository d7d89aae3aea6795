"""The patterns of deep published graphs plan, schedule and run without deadlock; so do the graphs, for small images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import BIG_NETWORKS
from rtlnn.ir.network import Network
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.load import load_network
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.planner import Design, plan_network
from rtlnn.plan.schedule import schedule_circuit
from rtlnn.sim.stream_run import NO_STALLS, Stalls
from tests.hardware import Design as Hardware
from tests.onnx_models import Model

Rng = np.random.Generator
CHANNELS, SIZE = 8, 6
SHAPE = (CHANNELS, SIZE, SIZE)
INTERVAL = 800


class _Parts:
    """A float model in the making, with seeded random weights."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.model = rng, Model((1, *SHAPE))

    def conv(self, source: str, inputs: int, outputs: int, size: int = 1, groups: int = 1) -> str:
        weights = self.rng.standard_normal((outputs, inputs // groups, size, size)).astype(np.float32)
        self.model.last = source
        self.model.add("Conv", weights, pads=[size // 2] * 4, group=groups)
        return self.model.add("Relu").last

    def concat(self, *sources: str) -> str:
        self.model.last = sources[0]
        return self.model.add("Concat", *sources[1:], axis=1).last

    def inception(self, x: str) -> str:
        """Four branches of different depth (Szegedy et al., 2015)."""
        five = self.conv(self.conv(x, CHANNELS, 2), 2, 2, size=5)
        three = self.conv(self.conv(x, CHANNELS, 2), 2, 2, size=3)
        self.model.last = x
        pool = self.model.add("MaxPool", kernel_shape=[3, 3], pads=[1] * 4).last
        return self.concat(self.conv(x, CHANNELS, 2), three, five, self.conv(pool, CHANNELS, 2))

    def dense(self, x: str) -> str:
        """Each layer reads the results of all before (Huang et al., 2017); then back to as many channels."""
        for n in range(3):
            x = self.concat(x, self.conv(self.conv(x, CHANNELS + 2 * n, 4), 4, 2, size=3))
        return self.conv(x, CHANNELS + 6, CHANNELS)

    def shuffle(self, x: str) -> str:
        """Grouped convolutions with the channels shuffled between them, beside a skip (Zhang et al., 2018)."""
        self.conv(x, CHANNELS, CHANNELS, groups=2)
        self.model.add("Reshape", np.array([1, 2, CHANNELS // 2, SIZE, SIZE]))
        self.model.add("Transpose", perm=[0, 2, 1, 3, 4])
        self.model.add("Reshape", np.array([1, *SHAPE]))
        y = self.conv(self.model.last, CHANNELS, CHANNELS, size=3, groups=CHANNELS)
        y = self.conv(y, CHANNELS, CHANNELS, groups=2)
        self.model.last = y
        return self.model.add("Add", x).last


Pattern = Callable[[_Parts, str], str]
PATTERNS = [_Parts.inception, _Parts.dense, _Parts.shuffle]


def _design(network: Network, interval: int, arithmetic: Arithmetic = Arithmetic.DSP48E2) -> Design:
    budget = Budget(1_000_000, 2_000_000, 6_000, 2_000, 900)
    return plan_network(network, "any", arithmetic, Goal(Objective.THROUGHPUT, interval), budget)


def _check(design: Design, interval: int) -> None:
    assert design.schedule.complete
    assert design.schedule.interval <= interval
    frames = 8 + 2 * -(-design.schedule.latency // design.schedule.interval)
    longer = schedule_circuit(design.circuit, frames)
    assert longer.complete
    assert len(longer.ends) == frames
    # steady: later frames are not slower
    assert longer.interval == design.schedule.interval
    # without its deepest queue, a branch waits for the other one, which waits for it
    deepest = max(design.depths, key=lambda edge: design.depths[edge])
    assert design.depths[deepest] > 0
    assembly = Assembly(design.network.core, [option.task for option in design.options])
    short = schedule_circuit(assembly.circuit(design.options, {**design.depths, deepest: 0}))
    assert not short.complete or short.interval > design.schedule.interval or short.latency > design.schedule.latency


def _data(rng: Rng) -> np.ndarray:
    return rng.standard_normal((4, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_twice(pattern: Pattern, rng: Rng) -> None:
    """One behind the other: what is late in the first is later in the second."""
    parts = _Parts(rng)
    pattern(parts, pattern(parts, "x"))
    _check(_design(load_network(parts.model.build([1, *SHAPE]), _data(rng)), INTERVAL), INTERVAL)


@pytest.mark.slow
def test_branches_run_as_scheduled(rng: Rng, tmp_path: Path) -> None:
    """Every cycle and bit without stalls, every bit with stalls of source and sink."""
    parts = _Parts(rng)
    parts.shuffle(parts.inception("x"))
    network = load_network(parts.model.build([1, *SHAPE]), _data(rng))
    design = _design(network, INTERVAL, Arithmetic.GENERIC)
    frames = network.to_core(_data(rng))[0]
    expected = network.core.evaluate(frames)[network.core.outputs[0]]
    core = Hardware.of(design.filled(), tmp_path).core()
    planned = schedule_circuit(design.circuit, len(frames))
    for stalls in (NO_STALLS, Stalls(0.3)):
        run = core.run(frames, source_stall=stalls, sink_stall=stalls, seed=1)
        run.check(expected)
        if stalls is NO_STALLS:
            assert tuple(run.ends) == planned.ends


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shufflenet", "inception", "densenet121"])
def test_published_graphs(name: str) -> None:
    """Every layer that was published, for images of 32x32."""
    _check(_design(BIG_NETWORKS[name].network(32), 100_000), 100_000)
