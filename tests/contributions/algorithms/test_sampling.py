from collections.abc import Callable

import numpy as np
import pytest

from contributions.algorithms.coalitions import CoalitionError, everyone, members_of
from contributions.algorithms.sampling import (
    Policy,
    next_coalitions,
    permutations,
    sampled,
)
from contributions.algorithms.shapley import shapley_values
from tests.contributions.algorithms.oracle import case

EXACT = Policy(seed=7, tolerance=0.0, truncation=0.0, max_pairs=400, pairs=400)


def walk(policy: Policy, players: int, value: Callable[[int], float]) -> dict[int, float]:
    known: dict[int, float] = {}
    while asked := next_coalitions(policy, players, known):
        assert not known.keys() & set(asked)
        known |= {mask: value(mask) for mask in asked}
    return known


def values_of(policy: Policy, players: int, known: dict[int, float]) -> np.ndarray:
    found = sampled(policy, players, known)
    return found.weights @ np.array([known[mask] for mask in found.masks])


def of_pydvl(mask: int) -> float:
    return float(case()["coalition_values"][mask])


def test_values_come_near_the_exact_ones_within_the_bound() -> None:
    policy = Policy(seed=7, tolerance=0.1, truncation=0.0)
    known = walk(policy, 6, of_pydvl)
    found = sampled(policy, 6, known)
    exact = shapley_values(np.array(case()["coalition_values"]))
    assert found.error_bound <= 0.1
    assert np.abs(values_of(policy, 6, known) - exact).max() <= found.error_bound


def test_the_bound_holds_for_nearly_all_seeds() -> None:
    exact = shapley_values(np.array(case()["coalition_values"]))
    missed = 0
    for seed in range(40):
        policy = Policy(seed=seed, tolerance=0.0, truncation=0.0, max_pairs=8)
        known = walk(policy, 6, of_pydvl)
        worst = np.abs(values_of(policy, 6, known) - exact).max()
        missed += worst > sampled(policy, 6, known).error_bound
    assert missed <= 4


def test_what_is_added_without_interplay_is_exact_after_one_round() -> None:
    worth = np.arange(1.0, 21.0)
    known = walk(
        Policy(seed=1, tolerance=1e-6, truncation=0.0),
        20,
        lambda mask: float(sum(worth[member] for member in members_of(mask))),
    )
    policy = Policy(seed=1, tolerance=1e-6, truncation=0.0)
    assert sampled(policy, 20, known).permutations == 2 * policy.pairs
    assert np.allclose(values_of(policy, 20, known), worth)


def test_values_sum_to_the_whole_gain_though_orders_were_truncated() -> None:
    policy = Policy(seed=2, tolerance=50.0, truncation=5.0)
    known = walk(policy, 12, lambda mask: float(min(len(members_of(mask)), 5) * 10))
    found = sampled(policy, 12, known)
    assert found.truncated > 0
    assert values_of(policy, 12, known).sum() == pytest.approx(50.0)
    assert found.error_bound >= policy.truncation


def test_truncation_saves_evaluations() -> None:
    def value(mask: int) -> float:
        return float(min(len(members_of(mask)), 3))

    short = walk(Policy(seed=2, tolerance=9.0, truncation=0.5), 40, value)
    full = walk(Policy(seed=2, tolerance=9.0, truncation=0.0), 40, value)
    assert len(short) < len(full) / 2


def test_a_walk_ends_at_its_longest_though_the_bound_is_not_reached() -> None:
    policy = Policy(seed=3, tolerance=0.0, truncation=0.0, pairs=3, max_pairs=5)
    known = walk(policy, 6, of_pydvl)
    found = sampled(policy, 6, known)
    assert found.permutations == 10
    assert found.error_bound > 0


def test_a_walk_that_was_broken_off_goes_on_where_it_was() -> None:
    policy = Policy(seed=7, tolerance=0.12, truncation=0.0)
    whole = walk(policy, 6, of_pydvl)
    begun = dict(list(whole.items())[: len(whole) // 2])
    while asked := next_coalitions(policy, 6, begun):
        begun |= {mask: of_pydvl(mask) for mask in asked[:3]}
    assert set(begun) == set(whole)


def test_each_order_is_walked_both_ways_and_more_begin_with_the_same() -> None:
    orders = permutations(5, 8, 4)
    assert [order[::-1] for order in orders[::2]] == orders[1::2]
    assert permutations(5, 8, 6)[:8] == orders
    assert permutations(6, 8, 4) != orders


def test_the_first_coalitions_are_nobody_and_everyone() -> None:
    assert next_coalitions(EXACT, 50, {}) == (0, everyone(50))


def test_nobody_and_a_hundred_and_one_persons_are_refused() -> None:
    for players in (0, 101):
        with pytest.raises(CoalitionError):
            next_coalitions(EXACT, players, {})
