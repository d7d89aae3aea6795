"""Foldings: the contents of memories, and what a kernel is made of."""

import numpy as np
import pytest

from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac import MacConfig
from rtlnn.ops import Window
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.candidates import candidates
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.integer_graphs import Builder

Rng = np.random.Generator


def _candidate(builder: Builder, folding: Folding) -> Candidate:
    return Candidate(tasks_of(builder.graph())[0], folding)


def _fields(word: int, bits: int, count: int) -> list[int]:
    """Two's complement fields of a word, from bit 0 up."""
    raw = [word >> n * bits & (1 << bits) - 1 for n in range(count)]
    return [v - (v >> bits - 1 << bits) for v in raw]


@pytest.mark.parametrize("parallel", [(1, 1), (2, 1), (1, 3), (2, 3)])
def test_weights_lie_where_the_reader_looks(parallel: tuple[int, int], rng: Rng) -> None:
    """Walk through passes and steps as the line buffer does; what does not exist is zero."""
    builder = Builder(rng, (4, 4, 5)).conv(7, Window((2, 3)))
    candidate = _candidate(builder, Folding(3, 2, parallel))
    weights = builder.constants["conv0.w"]
    array = candidate.kernel.array
    assert isinstance(array, MacConfig)
    words = iter(candidate.contents()["weight"])
    for first in range(0, 7, 3):
        for ky in range(0, 2, parallel[0]):
            for kx in range(0, 3, parallel[1]):
                for c in range(0, 5, 2):
                    expected = [
                        int(weights[o, ky + y, kx + x, c + lane]) if o < 7 and c + lane < 5 else 0
                        for o in range(first, first + 3)
                        for y in range(parallel[0])
                        for x in range(parallel[1])
                        for lane in range(2)
                    ]
                    assert _fields(next(words), array.w_bits, array.pe * array.simd) == expected
    assert next(words, None) is None


def test_parameters_lie_by_beat(rng: Rng) -> None:
    builder = Builder(rng, (1, 1, 4)).dense(5).requantize()
    candidate = _candidate(builder, Folding(4, 2, (1, 1)))
    finish, rows = candidate.kernel.finish, candidate.task.parameters.rows
    assert finish.lanes == 2
    words = candidate.contents()["parameter"]
    assert len(words) == 4
    for channel, row in enumerate(rows):
        word = words[channel // 2] >> channel % 2 * finish.parameter_bits
        assert word & (1 << finish.parameter_bits) - 1 == finish.parameter_word(*row)  # type: ignore[union-attr]


def test_as_few_requantizers_as_keep_up(rng: Rng) -> None:
    """A pass of n steps leaves n cycles for its sums."""
    builder = Builder(rng, (1, 1, 12)).dense(8).requantize()
    for lanes, expected in ((1, 1), (2, 2), (3, 2), (4, 4), (6, 4), (12, 8)):
        kernel = _candidate(builder, Folding(8, lanes, (1, 1))).kernel
        assert kernel.finish.lanes == expected
        assert kernel.window.steps * expected >= 8


def test_uniform_parameters_need_no_memory(rng: Rng) -> None:
    builder = Builder(rng, (2, 2, 3)).average_pool(Window((2, 2))).requantize(scale=0.3)
    candidate = _candidate(builder, Folding(1, 1, (1, 1)))
    assert candidate.kernel.memories == ()
    assert candidate.contents() == {}
    assert candidate.kernel.constant is not None


def test_candidates_are_legal_and_worth_a_look(rng: Rng) -> None:
    (task,) = tasks_of(Builder(rng, (5, 6, 5)).conv(7, Window((3, 2), pads=(1, 0, 1, 0))).requantize().graph())
    found = list(candidates(task))
    assert len(found) == len(set(found))
    kernels = {folding: Candidate(task, folding) for folding in found}
    for folding, candidate in kernels.items():
        assert isinstance(candidate.kernel, KernelConfig)
        # no smaller number of lanes or of PE makes as few steps and passes
        assert -(-5 // folding.lanes) < -(-5 // max(folding.lanes - 1, 1)) or folding.lanes == 1
        assert -(-7 // folding.pe) < -(-7 // max(folding.pe - 1, 1)) or folding.pe == 1
    assert min(c.window.cycles for c in kernels.values()) == 5  # a row of five positions at once
    assert max(c.window.cycles for c in kernels.values()) >= 5 * 5 * 7 * 5 * 6


@pytest.mark.parametrize(
    ("folding", "message"),
    [
        (Folding(1, 1, (2, 1)), "neither 1 nor the kernel"),
        (Folding(1, 1, (3, 1), rows=4), "row slots do not serve"),
        (Folding(1, 1, (3, 3), split=10), "split 10 does not fit the 9 values that a step reads"),
        (Folding(1, 1, (3, 3), split=8), "split 8 does not fit"),
        (Folding(1, 1, (3, 3), pixels=3), "pixels 3 must be one of 1, 2, 4, 8"),
    ],
)
def test_illegal_foldings_are_refused(folding: Folding, message: str, rng: Rng) -> None:
    with pytest.raises(ValueError, match=message):
        _ = _candidate(Builder(rng, (5, 5, 1)).conv(1, Window((3, 3))), folding).window
