"""Which memories weights lie in: chosen by what the budget lacks, kept in the plan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.ops import Window
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.costs import Costs
from rtlnn.plan.folding import Folding
from rtlnn.plan.front import fronts_of
from rtlnn.plan.goal import Budget, Goal, allowed_of
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.option import Option
from rtlnn.plan.search import choose
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
E2 = Arithmetic.DSP48E2
ROOMY = Budget(lut=1e5, ff=2e5, dsp=64, bram36=100, uram=100)


def _graph(rng: Rng) -> Graph:
    """Half a million weights: 13 block RAMs, or 2 UltraRAMs."""
    return Builder(rng, (1, 1, 512)).dense(128).requantize().graph()


def _task(rng: Rng) -> Task:
    return tasks_of(_graph(rng))[0]


def _chosen(graph: Graph, budget: Budget, die: Budget | None = None) -> Option:
    tasks = tasks_of(graph)
    costs, largest = Costs(Assembly(graph, tasks)), die and allowed_of(die)
    return choose(fronts_of(tasks, E2), Goal(interval=5000), budget, costs, largest).options[0].exactly()


def test_ultra_ram_is_for_what_block_ram_lacks(rng: Rng) -> None:
    graph = _graph(rng)
    plain = _chosen(graph, ROOMY)
    assert plain.resources.bram36 > 8
    assert plain.resources.uram == 0
    found = _chosen(graph, replace(ROOMY, bram36=8))
    assert found.resources.bram36 <= 8
    assert found.resources.uram > 0
    assert found.resources.lut < plain.resources.lut + 200
    # LUTs do it, too, where there is no UltraRAM
    found = _chosen(graph, replace(ROOMY, bram36=8, uram=0))
    assert found.resources.bram36 <= 8
    assert found.resources.uram == 0
    with pytest.raises(InputError, match="16 BRAM36 where 8 are allowed"):
        _chosen(graph, replace(ROOMY, bram36=8, uram=0, lut=2000))


def test_a_die_can_lack_block_ram_of_which_the_chip_has_enough(rng: Rng) -> None:
    graph = _graph(rng)
    found = _chosen(graph, ROOMY, replace(ROOMY, bram36=8))
    assert found.resources.bram36 <= 8
    assert found.resources.uram > 0
    with pytest.raises(InputError, match="a layer is larger than every die of the chip; choose a larger platform"):
        _chosen(graph, ROOMY, replace(ROOMY, dsp=0))


def test_the_plan_keeps_the_choice(rng: Rng, tmp_path: Path) -> None:
    task = _task(rng)
    file = tmp_path / "plan.json"
    for kind in MemoryKind:
        candidate = Candidate(task, Folding(4, 4, (1, 1), memory=kind), E2)
        assert {port.kind for port in candidate.kernel.weight_memories} == {kind}
        file.write_text(HardwarePlan.of("net", "u200", [candidate]).to_json())
        assert f'"memory": "{kind.value}"' in file.read_text()
        (again,) = HardwarePlan.load(file).options([task], E2)
        assert again.layer == candidate.layer
    file.write_text(file.read_text().replace('"uram"', '"disk"'))
    with pytest.raises(InputError, match="memory must be one of lutram, bram, uram, not 'disk'"):
        HardwarePlan.load(file)


def test_a_layer_without_weights_has_nothing_to_store(rng: Rng, tmp_path: Path) -> None:
    (task,) = tasks_of(Builder(rng, (4, 4, 3)).max_pool(Window((2, 2))).graph())
    file = tmp_path / "plan.json"
    text = HardwarePlan.of("net", "u200", [Candidate(task, Folding(1, 1, (1, 1)), E2)]).to_json()
    file.write_text(text.replace('"memory": null', '"memory": "uram"'))
    with pytest.raises(InputError, match="memory uram holds nothing, for the layer has no weights"):
        HardwarePlan.load(file).options([task], E2)
