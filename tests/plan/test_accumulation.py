"""What adds up the steps of a pass: chosen by what the budget lacks, kept in the plan, refused where it cannot be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.mac_column import Accumulation
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.costs import Costs
from rtlnn.plan.folding import Folding
from rtlnn.plan.front import fronts_of
from rtlnn.plan.goal import Budget, Goal
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.search import choose
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
E2 = Arithmetic.DSP48E2
ROOMY = Budget(lut=1e7, ff=1e7, dsp=1e4, bram36=1e3, uram=0)


def _graph(rng: Rng, inputs: int = 96, weights: int = 8) -> Graph:
    lo, hi = -(1 << weights - 1), (1 << weights - 1) - 1
    builder = Builder(rng, (1, 1, inputs)).dense(32, weights, rng.choice([lo, hi], (32, inputs))).requantize()
    return builder.graph()


def _task(rng: Rng, inputs: int = 96, weights: int = 8) -> Task:
    return tasks_of(_graph(rng, inputs, weights))[0]


def _chosen(graph: Graph, budget: Budget) -> Candidate:
    """The smallest one for an interval of 96 cycles: 16 slices."""
    tasks = tasks_of(graph)
    found = choose(fronts_of(tasks, E2), Goal(interval=96), budget, Costs(Assembly(graph, tasks))).options
    return found[0].exactly()


def test_adders_are_replaced_where_luts_are_what_the_budget_lacks(rng: Rng) -> None:
    graph = _graph(rng)
    plain = _chosen(graph, ROOMY)
    assert plain.folding.accumulation is None
    few_slices = _chosen(graph, replace(ROOMY, dsp=18))
    assert few_slices.folding.accumulation is None
    # in as many slices as the products and the requantization take, only adders are possible
    tight = replace(ROOMY, lut=few_slices.resources.lut - 100)
    chosen = _chosen(graph, tight)
    assert chosen.folding.accumulation is Accumulation.DUAL
    assert chosen.resources.lut <= tight.lut
    with pytest.raises(InputError, match="cannot be reached"):
        _chosen(graph, replace(tight, dsp=16))


def test_slices_give_way_to_chains_that_add_up_by_themselves(rng: Rng) -> None:
    """Small weights: bounds of this folding's own sums show what those of all foldings do not."""
    weights = np.full((4, 64), 1)
    weights[:, :32] = 40
    (task,) = tasks_of(Builder(rng, (1, 1, 64)).dense(4, weights=weights).requantize().graph())
    # one half of the inputs after the other
    folding = Folding(4, 2, (1, 1), accumulation=Accumulation.DUAL)
    quick = Candidate(task, folding, E2, exact=False)
    assert quick.exactly().folding.accumulation is None
    assert Candidate(_task(rng), folding, E2, exact=False).exactly().folding == folding


def test_the_plan_keeps_the_choice(rng: Rng, tmp_path: Path) -> None:
    task = _task(rng)
    file = tmp_path / "plan.json"
    for kind in Accumulation:
        candidate = Candidate(task, Folding(8, 4, (1, 1), accumulation=kind), E2)
        assert candidate.kernel.array.accumulation is kind  # type: ignore[union-attr]
        file.write_text(HardwarePlan.of("net", "u200", [candidate]).to_json())
        assert f'"accumulation": "{kind.value}"' in file.read_text()
        (again,) = HardwarePlan.load(file).options([task], E2)
        assert again.layer == candidate.layer
    plan = HardwarePlan.load(file)
    with pytest.raises(InputError, match=r"layer 'dense0'.* cannot be added up by 'dual'"):
        plan.options([task], Arithmetic.DSP48E1)
    file.write_text(file.read_text().replace('"dual"', '"both"'))
    with pytest.raises(InputError, match="accumulation must be one of fabric, slice, dual, not 'both'"):
        HardwarePlan.load(file)


def test_sums_of_more_than_24_bits_are_refused(rng: Rng) -> None:
    builder = Builder(rng, (1, 1, 600), 8).dense(2, 10, np.full((2, 600), 511)).requantize()
    (task,) = tasks_of(builder.graph())
    plain = Candidate(task, Folding(2, 20, (1, 1)), E2)
    assert plain.kernel.array.acc_bits == 28
    assert plain.dually() is None
