"""Shorter chains of slices: what they save, what they cost, and where that ends."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import Resources
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.goal import Budget
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.shorten import shorten_chains
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
ROOMY = Budget(lut=1e6, ff=1e6, dsp=1e4, bram36=1e3, uram=0)


def _kernels(rng: Rng) -> list[Candidate]:
    """One with long chains, one whose chains have a single slice."""
    builder = Builder(rng, (1, 1, 64)).dense(8, weights=rng.integers(-9, 10, (8, 64))).requantize().dense(4)
    foldings = Folding(4, 32, (1, 1)), Folding(4, 1, (1, 1))
    return [Candidate(t, f, Arithmetic.DSP48E2) for t, f in zip(tasks_of(builder.graph()), foldings, strict=True)]


def _lengths(kernel: Candidate) -> tuple[int, ...]:
    array = kernel.kernel.array
    assert isinstance(array, PackedMacConfig)
    return array.lengths


def _cost(kernels: Sequence[Candidate]) -> Resources:
    return sum((k.resources for k in kernels), Resources())


def test_chains_are_halved_as_long_as_that_saves_cycles(rng: Rng) -> None:
    kernels = _kernels(rng)
    assert [_lengths(k) for k in kernels] == [(32,), (1,)]
    short = shorten_chains(kernels, ROOMY, _cost)
    # two slices and four levels of adders: one slice and five levels are no faster
    assert [_lengths(k) for k in short] == [(2,) * 16, (1,)]
    assert short[0].kernel.array.latency == 2 + 3 + 4
    assert short[1] is kernels[1]
    assert _cost(short).dsp == _cost(kernels).dsp


def test_the_budget_is_kept(rng: Rng) -> None:
    kernels = _kernels(rng)
    twice = [kernels[0].with_chain(16), kernels[1]]
    budget = replace(ROOMY, lut=_cost(twice).lut)
    assert _lengths(shorten_chains(kernels, budget, _cost)[0]) == (16, 16)
    tight = replace(ROOMY, lut=_cost(kernels).lut)
    assert _lengths(shorten_chains(kernels, tight, _cost)[0]) == (32,)


def test_the_plan_keeps_the_choice(rng: Rng) -> None:
    kernels = [k.with_chain(3) for k in _kernels(rng)]
    tasks = [k.task for k in kernels]
    plan = HardwarePlan.of("net", "u200", kernels)
    assert '"chain": 3' in plan.to_json()
    again = plan.options(tasks, Arithmetic.DSP48E2)
    assert [k.layer for k in again] == [k.kernel for k in kernels]
