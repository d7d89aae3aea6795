"""The search for the least choices, against one that asks for every thing and every choice."""

from collections.abc import Sequence

import numpy as np
import pytest

from rtlnn.plan.thrift import least_choices


def _greedy(limits: np.ndarray, needs: np.ndarray, sizes: Sequence[int]) -> list[int]:
    """One thing after the other, from its first choice on."""
    chosen = [n - 1 for n in sizes]
    for n in range(len(sizes)):
        chosen[n] = next(
            k for k in range(sizes[n]) if (limits @ np.array([*chosen[:n], k, *chosen[n + 1 :]]) >= needs).all()
        )
    return chosen


@pytest.mark.parametrize("seed", range(40))
def test_the_least_choices_are_those_of_a_search_one_by_one(seed: int) -> None:
    """Things of which some make up for others; guesses of any quality."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, rng.integers(1, 9)).tolist()
    limits = rng.integers(0, 3, (3, len(sizes)))
    needs = (limits @ (np.array(sizes) - 1) * rng.uniform(0, 1, 3)).astype(int)
    asked = 0

    def enough(chosen: Sequence[int]) -> bool:
        nonlocal asked
        asked += 1
        return bool((limits @ np.array(chosen) >= needs).all())

    choices = [list(range(n)) for n in sizes]
    expected = _greedy(limits, needs, sizes)
    for guesses in ([0] * len(sizes), expected, [int(rng.integers(n)) for n in sizes]):
        assert least_choices(choices, enough, guesses, 10**6) == expected
    asked = 0
    assert least_choices(choices, enough, expected, 10**6) == expected
    assert asked <= 1 + sum(map(bool, expected))
    for trials in range(8):
        asked = 0
        found = least_choices(choices, enough, expected, trials)
        assert asked <= trials
        assert enough(found)


def test_right_guesses_need_a_single_trial() -> None:
    asked: list[Sequence[str]] = []

    def enough(chosen: Sequence[str]) -> bool:
        asked.append(chosen)
        return True

    assert least_choices([["small", "large"]] * 3, enough, [0, 0, 0], 5) == ["small"] * 3
    assert len(asked) == 1


def test_good_guesses_are_questioned_only_where_trials_are_enough_for_all() -> None:
    asked: list[Sequence[int]] = []

    def enough(chosen: Sequence[int]) -> bool:
        asked.append(chosen)
        return True

    choices, guesses = [[0, 1, 2, 3]] * 5, [2] * 5
    assert least_choices(choices, enough, guesses, 5) == [2] * 5
    assert len(asked) == 1
    assert least_choices(choices, enough, guesses, 50) == [0] * 5
