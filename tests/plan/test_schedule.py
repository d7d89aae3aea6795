"""The schedule of chains, against what can be said without it (tests/layers compares it with simulation)."""

import numpy as np
import pytest

from rtlnn.layers.fifo import FifoConfig, SkidConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.schedule import schedule, schedule_circuit
from rtlnn.plan.tasks import tasks_of
from tests.hardware import arrivals_and_departures
from tests.integer_graphs import Builder

Rng = np.random.Generator


def test_queues_delay_by_a_cycle_each() -> None:
    fmt = StreamFormat(1, 8, False, 3, 2)
    found = schedule([FifoConfig(fmt, 2), SkidConfig(fmt), FifoConfig(fmt, 9)])
    assert found.inputs == (tuple(range(36)),)
    assert found.outputs == (tuple(range(3, 39)),)
    assert (found.latency, found.interval) == (8, 6)
    assert found.frame_ends == tuple(tuple(range(layer + 6, layer + 42, 6)) for layer in range(3))


@pytest.mark.parametrize(
    ("folding", "cycles"),
    [
        (Folding(1, 1, (1, 1)), 36 * 4 * 9 * 2),
        (Folding(4, 2, (1, 1)), 36 * 9),
        (Folding(4, 2, (3, 3)), 36),
        (Folding(4, 1, (3, 3)), 72),
        (Folding(3, 2, (1, 3)), 36 * 2 * 3),
    ],
)
def test_a_kernel_is_as_fast_as_its_busiest_part(folding: Folding, cycles: int, rng: Rng) -> None:
    """Interval = max(input beats, steps, output beats): nothing is lost between frames, rows, positions and passes."""
    builder = Builder(rng, (6, 6, 2)).conv(4, Window((3, 3), pads=(1, 1, 1, 1))).requantize()
    candidate = Candidate(tasks_of(builder.graph())[0], folding)
    assert candidate.cycles == cycles
    assert schedule([candidate.kernel]).interval == cycles


def test_a_chain_is_as_fast_as_its_slowest_kernel(rng: Rng) -> None:
    builder = Builder(rng, (6, 6, 2)).conv(4, Window((3, 3))).requantize().max_pool(Window((2, 2), (2, 2)))
    graph = builder.flatten().dense(3).requantize().graph()
    foldings = [Folding(2, 2, (1, 1)), Folding(1, 1, (1, 1)), Folding(1, 1, (1, 1))]
    made = [Candidate(t, f) for t, f in zip(tasks_of(graph), foldings, strict=True)]
    found = schedule_circuit(Assembly(graph, [c.task for c in made]).circuit(made))
    assert found.interval == max(c.cycles for c in made) == 16 * 2 * 9
    assert found.latency > found.frame_ends[0][0]


def test_the_schedule_is_that_of_a_source_without_gaps(rng: Rng) -> None:
    builder = Builder(rng, (5, 4, 3)).conv(2, Window((2, 2), (2, 1), (1, 0, 0, 2))).requantize()
    kernel = Candidate(tasks_of(builder.graph())[0], Folding(1, 2, (2, 1), slots=1)).kernel
    gaps = np.ones(6 * kernel.input.beats, np.int64)
    gaps[0] = 0
    arrivals, departures = arrivals_and_departures([kernel], gaps)
    found = schedule([kernel])
    assert (tuple(arrivals),) == found.inputs
    assert (tuple(departures),) == found.outputs
    late = gaps.copy()
    late[7] = 5000
    delayed = arrivals_and_departures([kernel], late)
    assert (delayed[0] >= arrivals).all()
    assert (delayed[1] >= departures).all()
    assert delayed[1][-1] > departures[-1]


def test_nothing_leaves_before_its_frame_begins(rng: Rng) -> None:
    """Windows of padding alone could be computed at once; they wait."""
    builder = Builder(rng, (2, 2, 1)).conv(1, Window((2, 2), pads=(4, 4, 4, 4)))
    kernel = Candidate(tasks_of(builder.graph())[0], Folding(1, 1, (1, 1))).kernel
    gaps = np.ones(4 * kernel.input.beats, np.int64)
    gaps[0], gaps[4], gaps[8] = 0, 2000, 3000
    arrivals, departures = arrivals_and_departures([kernel], gaps)
    first = departures.reshape(4, -1)[:, 0]
    assert (first > arrivals.reshape(4, -1)[:, 0]).all()
