"""The solver's choice: the cheapest of all where all can be tried, a bound that holds, and why something cannot be."""

from itertools import product

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.ops import Window
from rtlnn.plan.amounts import Vector, cost_of, resources
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.costs import Costs
from rtlnn.plan.exact import solve
from rtlnn.plan.front import Choices, fronts_of
from rtlnn.plan.goal import Budget, Goal
from rtlnn.plan.option import Option
from rtlnn.plan.search import Chosen, choose
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
E2 = Arithmetic.DSP48E2
PRICES: Vector = (1 << 12, 1 << 12, 50 << 12, 200 << 12, 200 << 12)


class _Amounts(Option):
    """Of which only the cost is known."""

    def __init__(self, amounts: Vector) -> None:
        self.__dict__["resources"] = resources(amounts)

    layer = multipliers = contents = None  # type: ignore[assignment]


def _choices(rng: Rng) -> list[Choices]:
    return [
        Choices.of([_Amounts(tuple(int(n) for n in rng.integers(0, 9, 5))) for _ in range(4)])  # type: ignore[arg-type]
        for _ in range(5)
    ]


def test_it_is_the_cheapest_of_all(rng: Rng) -> None:
    refused = 0
    for _ in range(20):
        choices = _choices(rng)
        allowed: Vector = tuple(int(n) for n in rng.integers(12, 26, 5))  # type: ignore[assignment]
        every = (np.sum(rows, axis=0) for rows in product(*(c.amounts for c in choices)))
        costs = [cost_of(tuple(row.tolist()), PRICES) for row in every if (row <= allowed).all()]
        found = solve(choices, PRICES, allowed, 1.0)
        assert found.impossible == (not costs)
        if found.chosen is None:
            refused += 1
            continue
        chosen = sum(c.amounts[n] for c, n in zip(choices, found.chosen, strict=True))
        assert (chosen <= allowed).all()
        assert found.bound <= min(costs) <= cost_of(tuple(chosen.tolist()), PRICES) <= min(costs) * 1.001
        assert solve(choices, PRICES, allowed, 1.0) == found
    assert 0 < refused < 20


def _network(rng: Rng) -> Graph:
    b = Builder(rng, (12, 12, 3))
    for channels in (8, 12, 16):
        b.conv(channels, Window((3, 3), pads=(1, 1, 1, 1))).requantize()
    return b.graph()


def _chosen(graph: Graph, goal: Goal, budget: Budget) -> Chosen:
    tasks = tasks_of(graph)
    return choose(fronts_of(tasks, E2), goal, budget, Costs(Assembly(graph, tasks)))


def test_the_margin_is_small_and_holds(rng: Rng) -> None:
    graph = _network(rng)
    budget = Budget(lut=2e4, ff=4e4, dsp=60, bram36=50, uram=0)
    found = _chosen(graph, Goal(), budget)
    interval = max(option.cycles for option in found.options)
    assert found.margin is not None
    assert found.margin.interval is not None
    assert interval / 1.2 < found.margin.interval <= interval
    assert found.margin.excess is not None
    assert 0 <= found.margin.excess < 0.3
    with pytest.raises(InputError, match=r"cannot be reached.*DSP where 60 are allowed; the best within the budget is"):
        _chosen(graph, Goal(interval=found.margin.interval - 1), budget)
    assert max(o.cycles for o in _chosen(graph, Goal(interval=interval), budget).options) <= interval


def test_what_cannot_be_is_refused_with_what_could(rng: Rng) -> None:
    graph = _network(rng)
    with pytest.raises(InputError, match=r"LUT where 300 are allowed") as refused:
        _chosen(graph, Goal(), Budget(lut=300, ff=600, dsp=60, bram36=50, uram=0))
    assert "% larger would do" in str(refused.value)
    with pytest.raises(InputError, match="no folding of a layer is that fast; the best within the budget is"):
        _chosen(graph, Goal(interval=2), Budget(lut=2e4, ff=4e4, dsp=60, bram36=50, uram=0))
