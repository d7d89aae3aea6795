"""Plans for a latency: sums close to exact schedules, layers only as fast as they have to be, clear refusals."""

import re
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.ops import Window
from rtlnn.plan import planner
from rtlnn.plan.deadline import latency_by_sums, paces_for
from rtlnn.plan.front import Front, fronts_of
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.option import Option
from rtlnn.plan.planner import Design, plan_network
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
SAME = Window((3, 3), pads=(1, 1, 1, 1))
ROOMY = Budget(lut=1e6, ff=1e6, dsp=6000, bram36=1e3, uram=500)


def _deep(rng: Rng) -> Builder:
    """Strides, a branch, a pool, a dense layer that waits for all of its input."""
    b = Builder(rng, (10, 10, 3)).conv(8, SAME).requantize()
    start = b.value
    b.conv(8, SAME).requantize().conv(8, SAME).requantize().plus(start).requantize()
    b.conv(12, Window((3, 3), (2, 2), (1, 1, 1, 1))).requantize().conv(12, SAME).requantize()
    b.max_pool(Window((2, 2), (2, 2)))
    return b.flatten().dense(10).requantize()


def _network(b: Builder) -> Network:
    graph = b.graph()
    nothing = replace(graph, nodes=(), constants={})
    return Network("net", nothing, graph, nothing, (), ())


def _plan(network: Network, goal: Goal, budget: Budget = ROOMY) -> Design:
    return plan_network(network, "bare", Arithmetic.DSP48E2, goal, budget)


def _sources(design: Design) -> list[list[int]]:
    makers = {option.task.result: n for n, option in enumerate(design.options)}
    return [[makers[v] for v in option.task.sources if v in makers] for option in design.options]


@pytest.mark.parametrize("interval", [1000, 4000, 12000])
def test_sums_are_close_to_schedules(interval: int, rng: Rng) -> None:
    design = _plan(_network(_deep(rng)), Goal(interval=interval))
    assert latency_by_sums(design.options, _sources(design)) == pytest.approx(design.schedule.latency, rel=0.2)


def test_layers_are_as_fast_as_a_latency_asks_for(rng: Rng) -> None:
    network = _network(_deep(rng))
    plain = _plan(network, Goal(interval=4000))
    latency = round(0.8 * plain.schedule.latency)
    design = _plan(network, Goal(interval=4000, latency=latency))
    assert design.schedule.latency <= latency
    assert design.schedule.interval <= 4000
    assert plain.resources.dsp < design.resources.dsp
    assert plain.margin is not None
    assert design.margin is None
    # what is reached without more stays as it is
    same = _plan(network, Goal(interval=4000, latency=plain.schedule.latency + 500))
    assert same.resources.dsp <= plain.resources.dsp + 2
    assert same.schedule.latency <= plain.schedule.latency + 500


def test_paces_need_fewer_multipliers_than_the_same_speed_for_all(rng: Rng) -> None:
    """By the sums of the program itself; rounding to foldings that exist costs some percent."""
    tasks = tasks_of(_deep(rng).graph(), pools=True)
    fronts = fronts_of(tasks, Arithmetic.DSP48E2)
    makers = {task.result: n for n, task in enumerate(tasks)}
    sources = [[makers[v] for v in task.sources if v in makers] for task in tasks]

    def slowest(interval: float) -> list[Option]:
        return [front.candidates[np.searchsorted(front.cycles, interval, side="right") - 1] for front in fronts]

    chosen = slowest(4000)
    latency = 0.75 * latency_by_sums(chosen, sources)
    even = next(n for n in range(4000, 0, -40) if latency_by_sums(slowest(n), sources) <= latency)
    paces = paces_for(chosen, fronts, sources, 4000, latency)
    assert paces
    assert max(paces) <= 4000
    needed = sum(front.fewest(n) for front, n in zip(fronts, paces, strict=True))
    assert needed <= 1.05 * sum(front.fewest(even) for front in fronts)
    assert paces_for(chosen, fronts, sources, 4000, 50) is None


def test_a_latency_alone_finds_an_interval(rng: Rng) -> None:
    network = _network(_deep(rng))
    design = _plan(network, Goal(latency=6000))
    assert design.schedule.latency <= 6000
    smaller = _plan(network, Goal(latency=16000))
    assert smaller.schedule.latency <= 16000
    assert smaller.resources.dsp < design.resources.dsp


def test_a_latency_out_of_reach_is_refused_with_one_that_is_not(rng: Rng) -> None:
    network = _network(_deep(rng))
    tight = replace(ROOMY, dsp=40)
    with pytest.raises(InputError, match="the best found is") as refusal:
        _plan(network, Goal(interval=6000, latency=4000), tight)
    found = re.search(r"found is ([\d,]+) cycles", str(refusal.value))
    assert found
    best = int(found[1].replace(",", ""))
    assert best > 4000
    assert _plan(network, Goal(interval=6000, latency=best + best // 20), tight).resources.dsp <= 40


def test_a_latency_below_the_interval(rng: Rng) -> None:
    design = _plan(_network(_deep(rng)), Goal(interval=9000, latency=4000))
    assert design.schedule.latency <= 4000
    with pytest.raises(InputError, match="at least 1 cycle"):
        Goal(latency=0)


def test_the_shortest_latency_of_a_large_network_is_halved_for(rng: Rng, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a network too large for a schedule of each step."""
    network = _network(_deep(rng))
    monkeypatch.setattr(planner, "_EACH", 10**9)
    tight = replace(ROOMY, dsp=150)
    paced = _plan(network, Goal(interval=4000, latency=4500), tight)
    assert paced.schedule.latency <= 4500
    assert paced.margin is not None
    assert paced.margin.paced
    plain = _plan(network, Goal(interval=4000), tight)
    design = _plan(network, Goal(Objective.LATENCY, 4000), tight)
    assert design.schedule.latency < 0.8 * plain.schedule.latency
    assert design.schedule.interval <= 4000
    assert plain.resources.dsp < design.resources.dsp <= 150


def test_speeds_are_the_corners_of_a_convex_hull(rng: Rng) -> None:
    (task,) = tasks_of(Builder(rng, (4, 4, 6)).conv(8, SAME).graph())
    facts = [(10, 90, 0), (20, 60, 0), (30, 20, 0), (40, 19, 0), (50, 18, 0), (60, 1, 0)]
    front = Front(facts, lambda n: SimpleOption(task, 1))
    assert front.speeds(50) == [(10, 90), (30, 20), (50, 18)]
    assert front.speeds(60) == [(10, 90), (30, 20), (60, 1)]
    corners = front.speeds(1000)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(corners)]
    assert list(accumulate(slopes, max)) == slopes
    # without multipliers, lanes
    assert Front([(c, 0, 0) for c in (10, 20, 40)], lambda n: SimpleOption(task, 1)).speeds(40)[0] == (10, 4)
