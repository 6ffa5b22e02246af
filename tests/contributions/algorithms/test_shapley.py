from itertools import permutations

import numpy as np
import pytest

from contributions.algorithms.coalitions import CoalitionError
from contributions.algorithms.shapley import shapley_values, shapley_weights
from tests.contributions.algorithms.oracle import case


def by_orders(values: np.ndarray) -> np.ndarray:
    """The definition: the mean of what each adds, over all orders of joining."""
    players = len(values).bit_length() - 1
    found, orders = np.zeros(players), list(permutations(range(players)))
    for order in orders:
        mask = 0
        for player in order:
            found[player] += values[mask | 1 << player] - values[mask]
            mask |= 1 << player
    return found / len(orders)


def test_values_agree_with_pydvl() -> None:
    ours = shapley_values(np.array(case()["coalition_values"]))
    assert np.allclose(ours, case()["shapley"], atol=1e-12)


@pytest.mark.parametrize("players", [1, 2, 3, 5])
def test_values_are_the_mean_over_all_orders(players: int) -> None:
    values = np.random.default_rng(players).normal(size=1 << players)
    assert np.allclose(shapley_values(values), by_orders(values))


def test_values_sum_to_the_whole_gain_with_ten_persons() -> None:
    values = np.random.default_rng(3).normal(size=1 << 10)
    assert shapley_values(values).sum() == pytest.approx(values[-1] - values[0])


def test_rows_are_attributed_all_at_once() -> None:
    outcomes = np.random.default_rng(3).normal(size=(8, 50))
    by_row = shapley_values(outcomes)
    assert by_row.shape == (3, 50)
    assert np.allclose(by_row.mean(axis=1), shapley_values(outcomes.mean(axis=1)))


def test_who_adds_nothing_is_worth_nothing_and_twins_are_worth_the_same() -> None:
    # Players 0 and 1 are interchangeable; player 2 never adds anything.
    values = np.array([0.0, 3.0, 3.0, 4.0, 0.0, 3.0, 3.0, 4.0])
    assert np.allclose(shapley_values(values), [2.0, 2.0, 0.0])


def test_weights_of_a_player_sum_to_nothing() -> None:
    assert np.allclose(shapley_weights(6).sum(axis=1), 0)


@pytest.mark.parametrize("count", [0, 3, 1])
def test_some_coalitions_are_not_all(count: int) -> None:
    with pytest.raises(CoalitionError):
        shapley_values(np.zeros(count))


def test_eleven_persons_are_too_many_to_be_exact() -> None:
    with pytest.raises(CoalitionError, match="at most 10"):
        shapley_weights(11)
