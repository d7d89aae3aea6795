"""Requantizers that take more than a cycle for a result: one slice for two products, and two bits a cycle."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.emit.primitives import simulation_models
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.product_config import ProductBody
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.ops import Precision, Window
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.hardware import Design
from tests.integer_graphs import Builder

Rng = np.random.Generator
E2, GENERIC = Arithmetic.DSP48E2, Arithmetic.GENERIC

CASES: dict[str, tuple[Callable[[Rng], Builder], Folding, Arithmetic, ProductBody]] = {
    "one slice, all results of a pass in a row": (
        lambda rng: Builder(rng, (3, 4, 5), 8, True, -7).conv(6, Window((2, 2))).requantize(8, True),
        Folding(3, 1, (1, 1)),
        E2,
        ProductBody.AGAIN,
    ),
    "one slice, several lanes, a short last pass": (
        lambda rng: Builder(rng, (1, 1, 29)).dense(10).requantize(scale=rng.choice([-0.01, 0.02], 10)),
        Folding(8, 6, (1, 1), spacing=2),
        E2,
        ProductBody.AGAIN,
    ),
    "one slice, sums without a sign": (
        lambda rng: Builder(rng, (4, 4, 2), 8, False, 0).conv(2, Window((4, 4)), bias=70000, weights=9).requantize(),
        Folding(2, 2, (1, 1), spacing=2),
        E2,
        ProductBody.AGAIN,
    ),
    "two bits at a time, exactly as long as a pass": (
        lambda rng: Builder(rng, (1, 1, 30)).dense(3).requantize(8, True, 5),
        Folding(1, 2, (1, 1), spacing=14),
        GENERIC,
        ProductBody.SERIAL,
    ),
    "two bits at a time, two results a pass, multipliers of any sign": (
        lambda rng: Builder(rng, (2, 2, 15), 7).conv(4, Window((2, 1))).requantize(scale=rng.choice([-0.01, 0.02], 4)),
        Folding(2, 1, (1, 1), spacing=14),
        E2,
        ProductBody.SERIAL,
    ),
    "two bits at a time, fast": (
        lambda rng: Builder(rng, (1, 1, 22)).dense(2).requantize(precision=Precision.FAST),
        Folding(2, 1, (1, 1), spacing=10),
        GENERIC,
        ProductBody.SERIAL,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_").replace(",", "") for name in CASES])
def test_bits_and_cycles(
    case: tuple[Callable[[Rng], Builder], Folding, Arithmetic, ProductBody], rng: Rng, tmp_path: Path
) -> None:
    make, folding, arithmetic, body = case
    builder = make(rng)
    graph, frames = builder.graph(), builder.frames(6)
    candidate = Candidate(tasks_of(graph)[0], folding, arithmetic)
    finish = candidate.kernel.finish
    assert isinstance(finish, RequantizeConfig)
    assert finish.product.body is body
    design = Design.of([Stage("kernel", candidate.kernel, candidate.contents())], tmp_path)
    model = {"DSP48E2": simulation_models("DSP48E2")["sim/DSP48E2.v"]}
    design = replace(design, netlist=replace(design.netlist, modules={**design.netlist.modules, **model}))
    design.check(frames, graph.evaluate(frames)[graph.outputs[0]], timing=[candidate.kernel])


def test_one_slice_is_enough_where_every_other_cycle_is_free(rng: Rng) -> None:
    builder = Builder(rng, (1, 1, 34)).dense(16).requantize()
    (task,) = tasks_of(builder.graph())
    for lanes, slices in ((1, 1), (2, 2), (3, 4)):
        candidate = Candidate(task, Folding(16, lanes, (1, 1)), E2)
        assert candidate.kernel.finish.resources.dsp == slices
    assert Candidate(task, Folding(16, 1, (1, 1)), E2).serially() is None
    slow = Candidate(task, Folding(1, 1, (1, 1)), E2).serially()
    assert slow is not None
    assert slow.kernel.finish.resources.dsp == 0


def test_results_that_come_too_often_are_refused(rng: Rng) -> None:
    (task,) = tasks_of(Builder(rng, (1, 1, 28)).dense(3).requantize().graph())
    with pytest.raises(ValueError, match="3 results, any number at once, each in 14 cycles, do not fit a pass of 14"):
        _ = Candidate(task, Folding(3, 2, (1, 1), spacing=14)).kernel
