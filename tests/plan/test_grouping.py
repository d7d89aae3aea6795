"""Foldings of grouped, depthwise and dilated convolutions."""

from math import prod

import numpy as np
import pytest

from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_packed import PackedMacConfig, Sharing
from rtlnn.ops import Window
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import candidates, lean
from rtlnn.plan.folding import Folding
from rtlnn.plan.grouping import Grouping
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator
SQUARE = Window((3, 3), pads=(1, 1, 1, 1))


def _task(rng: Rng, channels: int, outputs: int, groups: int, window: Window = SQUARE) -> Task:
    (task,) = tasks_of(Builder(rng, (6, 6, channels)).conv(outputs, window, groups=groups).requantize().graph())
    return task


@pytest.mark.parametrize(("channels", "outputs", "groups"), [(6, 6, 6), (5, 10, 5), (12, 8, 4), (6, 2, 2), (6, 9, 3)])
def test_every_folding_is_a_kernel_of_the_cycles_it_takes(channels: int, outputs: int, groups: int, rng: Rng) -> None:
    task = _task(rng, channels, outputs, groups)
    found = set()
    for folding in candidates(task):
        candidate = Candidate(task, folding)
        array = candidate.kernel.array
        assert isinstance(array, MacConfig)
        products = array.sums * array.simd
        # every product of the layer has its place, and none is wasted but for channels and values that do not exist
        steps = candidate.window.pass_steps * candidate.window.passes
        assert products * steps >= prod(folding.positions) * outputs * 9 * channels // groups
        found.add(products)
    assert {1, outputs * 9 * channels // groups} <= found


def test_the_search_has_few_and_fast_foldings(rng: Rng) -> None:
    foldings = [sized.folding for sized in lean(_task(rng, 64, 64, 64))]
    assert len(foldings) < 200
    assert any(f.lanes == 64 and prod(f.parallel) == 9 for f in foldings)
    assert any(f.positions == (1, 2) for f in foldings)


@pytest.mark.parametrize(
    ("folding", "words"),
    [
        (Folding(3, 6, (1, 1)), "are not the same number of groups"),
        (Folding(6, 4, (1, 1)), "must divide a group's 4 and 3 channels"),
        (Folding(9, 8, (1, 1)), "are not the same number of groups"),
        (Folding(2, 1, (1, 1)), "must divide a group's 4 and 3 channels"),
        (Folding(3, 3, (1, 1)), "must divide a group's 4 and 3 channels"),
        (Folding(6, 8, (3, 3), split=2), "are not split"),
    ],
)
def test_groups_begin_with_words_and_passes(folding: Folding, words: str, rng: Rng) -> None:
    with pytest.raises(ValueError, match=words):
        Grouping.of(_task(rng, 12, 9, 3), folding)


def test_taps_that_are_far_apart_are_read_in_turn(rng: Rng) -> None:
    """A step's memories lie side by side, whether they are read or not."""
    near, far = (_task(rng, 2, 2, 1, Window((3, 3), pads=(d,) * 4, dilation=(d, d))) for d in (2, 5))
    assert (3, 3) in {f.parallel for f in candidates(near)}
    assert {f.parallel for f in candidates(far) if f.positions == (1, 1)} == {(1, 1)}


def test_positions_share_the_weights_of_a_channel(rng: Rng) -> None:
    task = _task(rng, 4, 4, 4)
    array = Candidate(task, Folding(4, 4, (3, 3), positions=(1, 2)), Arithmetic.DSP48E2).kernel.array
    assert isinstance(array, PackedMacConfig)
    assert (array.sharing, array.resources.dsp) == (Sharing.POSITIONS, 4 * 9)
    alone = Candidate(task, Folding(4, 4, (3, 3)), Arithmetic.DSP48E2).kernel.array
    assert isinstance(alone, PackedMacConfig)
    assert (alone.sharing, alone.resources.dsp) == (Sharing.NONE, 4 * 9)


def test_outputs_of_a_group_share_its_activations_alone(rng: Rng) -> None:
    """Groups of 3 output channels: a pair, and one alone, in each."""
    array = Candidate(_task(rng, 4, 6, 2), Folding(6, 4, (1, 1)), Arithmetic.DSP48E2).kernel.array
    assert isinstance(array, PackedMacConfig)
    assert [list(g) for g in array.channel_groups] == [[0, 1], [2], [3, 4], [5]]
    assert [array.block_of(g) for g in array.channel_groups] == [0, 0, 1, 1]
