import math

import numpy as np
import pytest
from scipy import stats

from contributions.algorithms.coalitions import CoalitionError
from contributions.algorithms.intervals import Attributed, Estimates, Reading
from contributions.algorithms.shapley import shapley_values, shapley_weights


def mean(outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = outcomes[..., 0].astype(float)
    values = rows.mean(axis=1)
    return values, (rows - values[:, None]) / rows.shape[1]


def made(rows: int, players: int = 3, seed: int = 1) -> np.ndarray:
    """(2**players, rows, 1): hits that grow with the coalition."""
    generator = np.random.default_rng(seed)
    ease = generator.random(rows)
    bars = [0.4 + 0.15 * mask.bit_count() for mask in range(1 << players)]
    hits = [ease < bar + 0.01 * generator.random(rows) for bar in bars]
    return np.array(hits, dtype=np.int64)[..., np.newaxis] * 1_000_000


def attributed(
    outcomes: np.ndarray, clusters: np.ndarray | None = None, cut: int | None = None
) -> Estimates:
    players = len(outcomes).bit_length() - 1
    units = outcomes.shape[1] if clusters is None else len(set(clusters.tolist()))
    found = Attributed(Reading(mean, units, clusters), players)
    weights, cut = shapley_weights(players), cut or len(outcomes)
    for start in range(0, len(outcomes), cut):
        found.add(weights[:, start : start + cut], outcomes[start : start + cut])
    return found.estimates(0.025)


def test_bounds_of_a_mean_are_those_of_students_t() -> None:
    outcomes = made(400)
    found, by_row = attributed(outcomes), shapley_values(outcomes[..., 0].astype(float))
    for player in range(3):
        whole = stats.ttest_1samp(by_row[player], 0).confidence_interval(0.95)
        assert found.values[player] == pytest.approx(by_row[player].mean())
        assert (found.low[player], found.high[player]) == pytest.approx((whole.low, whole.high))


def test_clusters_are_the_evidence_not_rows() -> None:
    outcomes, clusters = np.repeat(made(60), 10, axis=1), np.repeat(np.arange(60), 10)
    apart, together = attributed(outcomes), attributed(outcomes, clusters)
    assert np.allclose(together.values, apart.values)
    assert np.allclose(together.errors, attributed(made(60)).errors)
    assert (together.errors > 2.5 * apart.errors).all()


def test_the_order_of_rows_tells_nothing() -> None:
    outcomes, clusters = made(120), np.arange(120) // 3
    order = np.random.default_rng(5).permutation(120)
    mixed = attributed(outcomes[:, order], clusters[order])
    assert np.allclose(mixed.low, attributed(outcomes, clusters).low)


def test_batches_of_coalitions_give_the_same() -> None:
    outcomes = made(100)
    assert np.allclose(attributed(outcomes).low, attributed(outcomes, cut=3).low)


def test_many_rows_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = made(100)
    whole = attributed(outcomes)
    monkeypatch.setattr("contributions.algorithms.intervals.CHUNK_CELLS", 150)
    assert np.allclose(attributed(outcomes).low, whole.low)


def test_fewer_than_thirty_clusters_have_no_bounds() -> None:
    few = attributed(made(100), np.arange(100) % 29)
    assert (few.low == -math.inf).all()
    assert (few.high == math.inf).all()
    assert np.isfinite(attributed(made(100), np.arange(100) % 30).low).all()


def test_the_bounds_hold_as_often_as_they_say() -> None:
    # Each of the three players adds 15 points, in whatever order they join.
    missed = 0
    for seed in range(200):
        found = attributed(made(300, seed=seed))
        truth = 0.15 * 1_000_000
        missed += int((found.low > truth).sum())
    assert missed / 600 < 0.05


def test_the_value_of_each_coalition_is_told() -> None:
    outcomes = made(100)
    values = Attributed(Reading(mean, 100), 3).add(shapley_weights(3), outcomes)
    assert np.allclose(values, outcomes[..., 0].mean(axis=1))


def test_outcomes_of_other_rows_are_refused() -> None:
    found = Attributed(Reading(mean, 100), 3)
    with pytest.raises(CoalitionError):
        found.estimates(0.025)
    found.add(shapley_weights(3), made(100))
    with pytest.raises(CoalitionError):
        found.add(shapley_weights(3), made(99))
    with pytest.raises(CoalitionError):
        found.add(shapley_weights(2), made(100))
    with pytest.raises(CoalitionError):
        attributed(made(10), np.arange(9))
