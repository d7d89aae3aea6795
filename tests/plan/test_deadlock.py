"""Branching networks with the queues that the plan settles never stop, whatever stalls source and sink."""

import numpy as np
import pytest

from rtlnn.layers.circuit import DESIGN, Circuit, Tap
from rtlnn.layers.timing import Link, Repeating
from rtlnn.ops import Window
from rtlnn.plan.queues import settle_queues
from rtlnn.plan.schedule import Trace, links_of, schedule_circuit
from rtlnn.plan.times import solve
from tests.integer_graphs import Builder
from tests.random_circuits import folded, random_assembly

Rng = np.random.Generator
FRAMES = 4


def _stalled(circuit: Circuit, rng: Rng, longest: int) -> dict[Tap, Link]:
    """Beats at both ends come up to `longest` cycles later than they could."""
    links, events = links_of(circuit)
    for tap in (Tap(DESIGN), *circuit.outputs):
        link = links[tap]
        beats = FRAMES * link.format.beats
        gaps = np.where(rng.random(beats) < 0.3, rng.integers(1, longest + 1, beats), 1)
        link.taken.after(link.taken, 0, where=Repeating.of(np.arange(beats) - 1, beats, gaps))
    solve(events, FRAMES)
    return links


@pytest.mark.parametrize("seed", range(15))
def test_settled_queues_never_stop_under_stalls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assembly, options = random_assembly(rng)
    depths, _ = settle_queues(lambda d, blocks: assembly.circuit(options, d, blocks=blocks), assembly.edges)
    circuit = assembly.circuit(options, depths)
    free = Trace.of(circuit, FRAMES)
    assert free.schedule().complete
    for longest in (2, 40, 1000):
        links = _stalled(circuit, rng, longest)
        for tap, link in links.items():
            # nothing is lost, and stalls only delay
            assert len(link.times) == len(free.times[tap]) == FRAMES * link.format.beats
            assert (link.times >= free.times[tap]).all()


def test_what_stops_stops_under_all_stalls(rng: Rng) -> None:
    """And the check above would see it: with too small a queue no stalls help, and the same beats are stuck."""
    builder = Builder(rng, (8, 8, 2)).conv(2, Window((5, 5), pads=(2, 2, 2, 2))).requantize()
    assembly, options = folded(builder.plus("x").requantize().graph(narrowed=False), rng)
    depths, _ = settle_queues(lambda d, blocks: assembly.circuit(options, d, blocks=blocks), assembly.edges)
    assert schedule_circuit(assembly.circuit(options, depths)).complete
    circuit = assembly.circuit(options, {edge: depth // 4 for edge, depth in depths.items()})
    free = Trace.of(circuit, FRAMES)
    assert not free.schedule().complete
    for longest in (2, 40, 1000):
        links = _stalled(circuit, rng, longest)
        assert {tap: len(link.times) for tap, link in links.items()} == {t: len(n) for t, n in free.times.items()}
