"""Queues where branches meet: as deep as needed, and no deeper; in the plan, too."""

import json
from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import Circuit
from rtlnn.ops import Precision, Window
from rtlnn.plan.assembly import Assembly, Edge
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.option import Option
from rtlnn.plan.queues import Depths, settle_queues, unlimited
from rtlnn.plan.schedule import schedule_circuit
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from rtlnn.sim.stream_run import Deadlock, StreamRun
from tests.hardware import Design
from tests.integer_graphs import Builder

Rng = np.random.Generator


class _Skip:
    """A skip over a 5x5 convolution, which gives nothing before it has two rows and some pixels."""

    def __init__(self, rng: Rng) -> None:
        builder = Builder(rng, (8, 9, 2)).conv(2, Window((5, 5), pads=(2, 2, 2, 2))).requantize()
        self.frames = builder.frames(4)
        self.graph: Graph = builder.plus("x").requantize(precision=Precision.FAST).graph(narrowed=False)
        conv, add = tasks_of(self.graph)
        self.options: list[Option] = [Candidate(conv, Folding(2, 2, (5, 5))), SimpleOption(add, 2)]
        self.assembly = Assembly(self.graph, [conv, add])
        self.long, self.short = self.assembly.edges[1:]

    def circuit(self, depths: Depths, blocks: bool = True, contents: bool = False) -> Circuit:
        return self.assembly.circuit(self.options, depths, contents, blocks)


def test_no_queue_is_deeper_than_needed(rng: Rng) -> None:
    skip = _Skip(rng)
    depths, _ = settle_queues(skip.circuit, skip.assembly.edges)
    assert [edge for edge, depth in depths.items() if depth] == [skip.short]
    roomy = schedule_circuit(skip.circuit(unlimited(skip.circuit, skip.assembly.edges)))
    found = schedule_circuit(skip.circuit(depths))
    assert found.interval == roomy.interval == 72
    assert found.latency <= roomy.latency
    less = schedule_circuit(skip.circuit({**depths, skip.short: depths[skip.short] - 1}))
    assert not less.complete or less.interval > found.interval or less.latency > found.latency


def test_half_the_depth_stalls_and_a_quarter_stops(rng: Rng, tmp_path: Path) -> None:
    """As the schedule says, so it is in simulation."""
    skip = _Skip(rng)
    depths, _ = settle_queues(skip.circuit, skip.assembly.edges)
    expected = skip.graph.evaluate(skip.frames)[skip.graph.outputs[0]]

    def scaled(divisor: int) -> dict[Edge, int]:
        return {**depths, skip.short: depths[skip.short] // divisor}

    def run(divisor: int) -> StreamRun:
        core = Design.of(skip.circuit(scaled(divisor), contents=True), tmp_path).core()
        found = core.run(skip.frames, quiet_limit=2000)
        found.check(expected)
        return found

    half = schedule_circuit(skip.circuit(scaled(2)))
    assert half.interval > 5 * 72
    assert list(run(2).steady_intervals) == [half.interval]
    assert not schedule_circuit(skip.circuit(scaled(4))).complete
    with pytest.raises(Deadlock, match="0 of 288 beats out"):
        run(4)


def test_wider_streams_wait_for_their_turn_as_they_are_read(rng: Rng, tmp_path: Path) -> None:
    """Two elements a cycle from either side are four a cycle behind the concatenation, not two."""
    builder = Builder(rng, (5, 6, 4)).conv(8, Window((1, 1))).requantize()
    first = builder.value
    builder.at("x").conv(8, Window((1, 1))).requantize().concat(first)
    graph, frames = builder.graph(narrowed=False), builder.frames(8)
    left, right, concat = tasks_of(graph)
    folding = Folding(2, 4, (1, 1))
    options: list[Option] = [Candidate(left, folding), Candidate(right, folding), SimpleOption(concat, 4)]
    assembly = Assembly(graph, [left, right, concat])

    def circuit(depths: Depths, blocks: bool) -> Circuit:
        return assembly.circuit(options, depths, blocks=blocks)

    depths, _ = settle_queues(circuit, assembly.edges)
    assert schedule_circuit(circuit(depths, True)).interval == 30 * 4
    run = Design.of(assembly.circuit(options, depths, contents=True), tmp_path).core().run(frames)
    run.check(graph.evaluate(frames)[graph.outputs[0]])
    assert set(run.steady_intervals) == {30 * 4}


def test_the_plan_keeps_queues_and_lanes(rng: Rng, tmp_path: Path) -> None:
    skip = _Skip(rng)
    depths, _ = settle_queues(skip.circuit, skip.assembly.edges)
    file = tmp_path / "plan.json"
    file.write_text(HardwarePlan.of("net", "u200", skip.options, depths).to_json())
    conv, add = json.loads(file.read_text())["layers"]
    assert conv["queues"] == [0]
    assert add == {"name": "add2", "op": "Add", "lanes": 2, "queues": [0, depths[skip.short]]}
    plan = HardwarePlan.load(file)
    tasks = [option.task for option in skip.options]
    again = plan.options(tasks, Arithmetic.GENERIC)
    assert again[1].layer == skip.options[1].layer
    assert plan.depths(skip.assembly.edges) == depths
    # what is left out is chosen, what is given stays
    given = {skip.short: depths[skip.short] + 5}
    assert settle_queues(skip.circuit, skip.assembly.edges, given)[0][skip.short] == given[skip.short]
    with pytest.raises(InputError, match="queues are too small"):
        settle_queues(skip.circuit, skip.assembly.edges, {skip.short: 3})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lanes": 3}, "layer 'add2': lanes 3 must be one of 1, 2"),
        ({"lanes": 0}, "lanes must be a positive whole number"),
        ({"queues": [4]}, "one depth for each of the 2 inputs"),
        ({"queues": [0, 1]}, "at least 2, or 0 for none"),
        ({"pe": 1, "parallel": [1, 1]}, "has lanes, no pe and parallel"),
        ({"rows": 3}, "unknown key rows"),
    ],
)
def test_illegal_choices_are_refused(changed: dict[str, object], message: str, rng: Rng, tmp_path: Path) -> None:
    skip = _Skip(rng)
    data = json.loads(HardwarePlan.of("net", "u200", skip.options).to_json())
    data["layers"][1] |= changed
    (tmp_path / "plan.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        HardwarePlan.load(tmp_path / "plan.json").options([o.task for o in skip.options], Arithmetic.GENERIC)
