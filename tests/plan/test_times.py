"""The solver of timing: two loops that agree, and waits that leave out what cannot matter."""

import numpy as np
import pytest

from rtlnn.layers.fifo import FifoConfig
from rtlnn.layers.kernel_timing import latest_words
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.timing import NEVER, Events, Link, Repeating
from rtlnn.plan import times
from rtlnn.plan.queues import unlimited
from rtlnn.plan.schedule import Trace, links_of, schedule
from rtlnn.plan.times import System, compiled_solver, solve, solve_in_python
from tests.random_circuits import random_assembly

Rng = np.random.Generator
FRAMES = 3


@pytest.fixture(params=range(12))
def rng_of_many(request: pytest.FixtureRequest) -> Rng:
    return np.random.default_rng(request.param)


def test_compiled_and_interpreted_times_are_equal(rng_of_many: Rng) -> None:
    """Branching circuits with queues of all sizes, also such that stop."""
    assembly, options = random_assembly(rng_of_many)
    most = unlimited(lambda d, blocks: assembly.circuit(options, d, blocks=blocks), assembly.edges, FRAMES)
    for depths in (most, {edge: int(rng_of_many.choice([0, 2, 5, 40])) for edge in assembly.edges}):
        circuit = assembly.circuit(options, depths)
        found = []
        compiled = compiled_solver()
        assert compiled
        for solver in (compiled, solve_in_python):
            _, events = links_of(circuit)
            system = System.of(events, FRAMES)
            solver(system)
            found.append([e.times.tolist() for e in system.events])
        assert found[0] == found[1]
        assert any(map(len, found[0]))


def test_a_changed_delay_is_seen_by_both() -> None:
    """What the comparison above is made of tells a cycle's difference."""
    fmt = StreamFormat(1, 8, False, 1, 4)
    links = [Link(fmt), Link(fmt)]
    FifoConfig(fmt, 2).waits(links[0], links[1])
    links[1].taken.after(links[0].taken, 2)
    solve([link.taken for link in links], 1)
    assert links[1].times.tolist() == [2, 3, 5, 6]
    assert schedule([FifoConfig(fmt, 2)]).outputs == (tuple(range(1, 25)),)


def test_without_a_compiler_it_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    fmt = StreamFormat(1, 8, False, 1, 2000)
    layers = [FifoConfig(fmt, 2), FifoConfig(fmt, 5)]
    compiled = schedule(layers)
    compiled_solver.cache_clear()
    monkeypatch.setattr(times, "COMPILERS", ("no-such-compiler",))
    assert compiled_solver() is None
    assert schedule(layers) == compiled
    compiled_solver.cache_clear()


def test_a_compiler_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_solver.cache_clear()
    monkeypatch.setattr(times, "COMPILERS", ("false",))
    assert compiled_solver() is None
    compiled_solver.cache_clear()


def test_what_never_comes_is_not_there() -> None:
    """Two events that wait for each other, and what waits for them."""
    a, b, free, given = Events(2), Events(2), Events(2), Events.at(np.array([5, 9]))
    a.after(b, 1)
    b.after(a, 1)
    b.after(free, 0)
    free.after(given, 1)
    solve([a, b, free, given], 1)
    assert (len(a.times), len(b.times), free.times.tolist()) == (0, 0, [6, 10])


def test_tables_repeat_and_reach_back() -> None:
    """Number k // 2 * 3 + table[k % 2]: an entry may lie before the first occurrence, or say nothing."""
    given, waits = Events.at(np.arange(10, 100, 10)), Events(6)
    waits.after(given, 0, where=Repeating.of([[-1, NEVER], [0, 1]], 3, [[7, 0], [100, 1]]))
    solve([given, waits], 1)
    assert waits.times.tolist() == [0, 110, 37, 140, 67, 170]


@pytest.mark.parametrize("seed", range(20))
def test_words_left_out_never_come_last(seed: int) -> None:
    """Steps in any order over words that come at random, a cycle apart at least."""
    rng = np.random.default_rng(seed)
    steps, words = int(rng.integers(1, 12)), int(rng.integers(1, 9))
    needs = rng.integers(0, words, (4, steps)) + rng.integers(0, 2) * np.arange(steps)
    needs[rng.random((4, steps)) < 0.2] = NEVER
    chosen, delays = latest_words(needs)
    for _ in range(20):
        comes = np.cumsum(rng.integers(1, 1 + int(rng.choice([1, 2, 9])), words + steps))
        for need, some, later in zip(needs, chosen, delays, strict=True):
            times_of_all = [comes[w] + steps - 1 - n for n, w in enumerate(need) if w != NEVER]
            times_of_some = [comes[w] + d for w, d in zip(some, later, strict=True) if w != NEVER]
            assert max(times_of_all, default=0) == max(times_of_some, default=0)


def test_a_trace_is_a_schedule_in_full(rng: Rng) -> None:
    assembly, options = random_assembly(rng)
    most = unlimited(lambda d, blocks: assembly.circuit(options, d, blocks=blocks), assembly.edges)
    trace = Trace.of(assembly.circuit(options, most))
    found = trace.schedule()
    assert found.complete
    assert found.keeps(found)
    (output,) = trace.circuit.outputs
    assert found.outputs == (tuple(trace.times[output].tolist()),)
