"""Costs and cycles that are known without building anything are those of what is built."""

import numpy as np
import pytest

from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.ops import Window
from rtlnn.plan.amounts import minus, vector
from rtlnn.plan.assembly import Assembly, circuit_resources
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import lean
from rtlnn.plan.costs import Costs
from rtlnn.plan.front import Choices, Front, fronts_of, undominated
from rtlnn.plan.option import Option
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
E2 = Arithmetic.DSP48E2


def _graph(rng: Rng) -> Graph:
    """A convolution with its pool, a residual, a depthwise convolution, a dense layer."""
    b = Builder(rng, (8, 8, 3)).conv(6, Window((3, 3), pads=(1, 1, 1, 1))).max_pool(Window((2, 2), (2, 2))).requantize()
    skip = b.value
    b.conv(6, Window((1, 1))).requantize().plus(skip).requantize()
    b.conv(6, Window((3, 3), pads=(1, 1, 1, 1)), groups=6).requantize()
    return b.average_pool(Window((4, 4))).requantize().dense(10).graph()


def _any(front: Front, rng: Rng) -> Option:
    option = front.candidates[int(rng.integers(len(front.candidates)))]
    elsewhere = option.elsewhere()
    return elsewhere[-1] if elsewhere and rng.random() < 0.3 else option


def test_costs_are_those_of_the_circuit(rng: Rng) -> None:
    graph = _graph(rng)
    tasks = tasks_of(graph, pools=True)
    assembly, fronts = Assembly(graph, tasks), fronts_of(tasks, E2)
    costs = Costs(assembly)
    for _ in range(20):
        options = [_any(front, rng) for front in fronts]
        total = costs.total(options)
        assert total == circuit_resources(assembly.circuit(options))
        for n, front in enumerate(fronts):
            other = [*options[:n], _any(front, rng), *options[n + 1 :]]
            if options[n].loads or other[n].loads:
                continue  # what loads memories is only in the total
            expected = minus(vector(costs.total(other)), vector(total))
            assert minus(costs.around(n, other), costs.around(n, options)) == expected


def test_cycles_are_those_of_the_kernel(rng: Rng) -> None:
    for task in tasks_of(_graph(rng), pools=True):
        if task.is_kernel:
            for sized in lean(task):
                assert Candidate(task, sized.folding, E2, exact=False).cycles == sized.cycles, (task.name, sized)


def test_what_is_left_out_costs_more(rng: Rng) -> None:
    amounts = rng.integers(0, 6, (60, 5))
    kept = undominated(amounts)
    assert 0 < len(kept) < 60
    for n, row in enumerate(amounts):
        better = [k for k in kept if (amounts[k] <= row).all()]
        assert better == [n] if n in kept else better


def test_choices_keep_to_the_interval(rng: Rng) -> None:
    for front in fronts_of(tasks_of(_graph(rng), pools=True), E2):
        assert front.choices(int(front.cycles[0]) - 1) is None
        for interval in (int(front.cycles[0]), 200, 1000):
            found = front.choices(interval)
            if found is not None:
                assert all(option.cycles <= interval for option in found.options)


def test_the_cheapest_come_first(rng: Rng) -> None:
    front = fronts_of(tasks_of(_graph(rng), pools=True), E2)[0]
    found = front.choices(1000)
    assert isinstance(found, Choices)
    prices = 3, 1, 100, 200, 500
    ordered = found.cheapest(prices, 5)
    worth = [sum(p * v for p, v in zip(prices, option.vector, strict=True)) for option in ordered]
    assert worth == sorted(worth)
    assert worth[0] == found.least(prices)


@pytest.mark.parametrize("interval", [50, 500])
def test_another_run_finds_the_same(rng: Rng, interval: int) -> None:
    graph = _graph(rng)
    runs = [[f.choices(interval) for f in fronts_of(tasks_of(graph, pools=True), E2)] for _ in range(2)]
    first, second = ([None if c is None else [o.vector for o in c.options] for c in run] for run in runs)
    assert first == second
