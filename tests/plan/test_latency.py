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
from rtlnn.plan.deadline import latency_by_sums
from rtlnn.plan.front import Front
from rtlnn.plan.goal import Budget, Goal, Objective
from rtlnn.plan.planner import Design, plan_network
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
SAME = Window((3, 3), pads=(1, 1, 1, 1))
ROOMY = Budget(lut=1e6, ff=1e6, dsp=6000, bram36=1e3, uram=500)


def _deep(rng: Rng) -> Builder:
    """Strides, a branch, a pool, a dense layer that waits for all of its input."""
    b = Builder(rng, (12, 12, 4)).conv(16, SAME).requantize()
    start = b.value
    b.conv(16, SAME).requantize().conv(16, SAME).requantize().plus(start).requantize()
    b.conv(32, Window((3, 3), (2, 2), (1, 1, 1, 1))).requantize().conv(32, SAME).requantize()
    b.conv(32, SAME).requantize().max_pool(Window((2, 2), (2, 2)))
    return b.flatten().dense(20).requantize()


def _network(b: Builder) -> Network:
    graph = b.graph()
    nothing = replace(graph, nodes=(), constants={})
    return Network("net", nothing, graph, nothing, (), ())


def _plan(network: Network, goal: Goal, budget: Budget = ROOMY) -> Design:
    return plan_network(network, "bare", Arithmetic.DSP48E2, goal, budget)


def _sources(design: Design) -> list[list[int]]:
    makers = {option.task.result: n for n, option in enumerate(design.options)}
    return [[makers[v] for v in option.task.sources if v in makers] for option in design.options]


@pytest.mark.parametrize("interval", [4000, 12000, 30000])
def test_sums_are_close_to_schedules(interval: int, rng: Rng) -> None:
    design = _plan(_network(_deep(rng)), Goal(interval=interval))
    assert latency_by_sums(design.options, _sources(design)) == pytest.approx(design.schedule.latency, rel=0.1)


def test_layers_are_as_fast_as_a_latency_asks_for(rng: Rng) -> None:
    network = _network(_deep(rng))
    plain = _plan(network, Goal(interval=12000))
    latency = round(0.8 * plain.schedule.latency)
    design = _plan(network, Goal(interval=12000, latency=latency))
    assert design.schedule.latency <= latency
    assert design.schedule.interval <= 12000
    assert plain.resources.dsp < design.resources.dsp
    # all layers faster by as much take more
    even = _plan(network, Goal(interval=round(0.8 * plain.schedule.interval)))
    assert even.schedule.latency > 0.95 * latency
    assert design.resources.dsp <= even.resources.dsp
    # what is reached without more stays as it is
    same = _plan(network, Goal(interval=12000, latency=plain.schedule.latency + 2000))
    assert same.resources.dsp <= plain.resources.dsp + 2
    assert same.schedule.latency <= plain.schedule.latency + 2000


def test_a_latency_alone_finds_an_interval(rng: Rng) -> None:
    network = _network(_deep(rng))
    design = _plan(network, Goal(latency=20000))
    assert design.schedule.latency <= 20000
    smaller = _plan(network, Goal(latency=40000))
    assert smaller.schedule.latency <= 40000
    assert smaller.resources.dsp < design.resources.dsp


def test_a_latency_out_of_reach_is_refused_with_one_that_is_not(rng: Rng) -> None:
    network = _network(_deep(rng))
    tight = replace(ROOMY, dsp=60)
    with pytest.raises(InputError, match="the best found is") as refusal:
        _plan(network, Goal(interval=16000, latency=17000), tight)
    found = re.search(r"found is ([\d,]+) cycles", str(refusal.value))
    assert found
    best = int(found[1].replace(",", ""))
    assert best > 17000
    assert _plan(network, Goal(interval=16000, latency=best + best // 20), tight).resources.dsp <= 60


def test_a_latency_below_the_interval(rng: Rng) -> None:
    design = _plan(_network(_deep(rng)), Goal(interval=30000, latency=12000))
    assert design.schedule.latency <= 12000
    with pytest.raises(InputError, match="at least 1 cycle"):
        Goal(latency=0)


def test_the_shortest_latency_of_a_large_network_is_halved_for(rng: Rng, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a network too large for a schedule of each step."""
    network = _network(_deep(rng))
    monkeypatch.setattr(planner, "_EACH", 10**9)
    tight = replace(ROOMY, dsp=150)
    plain = _plan(network, Goal(interval=12000), tight)
    design = _plan(network, Goal(Objective.LATENCY, 12000), tight)
    assert design.schedule.latency < 0.8 * plain.schedule.latency
    assert design.schedule.interval <= 12000
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
