import numpy as np
import pytest

from experiments.algorithms.metrics import OutcomeError
from experiments.algorithms.outcomes import PairedOutcomes, units_of, weights_ppm
from tests.experiments.algorithms.outcome_examples import paired


def pair(metric: str, baseline: object, candidate: object, **more: object) -> PairedOutcomes:
    return PairedOutcomes(metric, np.array(baseline), np.array(candidate), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "baseline", "candidate"),
    [
        ("accuracy", [0, 0], [0]),
        ("accuracy", [], []),
        ("accuracy", [1], [0]),
        ("accuracy", [0.0], [np.nan]),
        ("log_loss", [np.nan], [0.0]),
        ("log_loss", [2**60], [0]),
        ("loudness", [0], [0]),
        ("log_loss", [[[0]]], [[[0]]]),
    ],
)
def test_unusable_outcomes_are_refused(metric: str, baseline: object, candidate: object) -> None:
    with pytest.raises(OutcomeError):
        pair(metric, baseline, candidate)


@pytest.mark.parametrize(
    "more",
    [
        {"weights": np.array([1.0])},
        {"weights": np.array([1.0, -1.0])},
        {"weights": np.zeros(2)},
        {"clusters": np.array([0])},
    ],
)
def test_weights_and_clusters_are_those_of_the_rows(more: dict[str, object]) -> None:
    with pytest.raises(OutcomeError):
        pair("mae", [1, 2], [1, 2], **more)


def test_a_row_alone_is_its_own_unit_in_sorted_order() -> None:
    found = units_of(pair("mae", [5, 3, 5], [1, 2, 0]))

    assert found.tolist() == [[10**6, 3, 2], [10**6, 5, 0], [10**6, 5, 1]]


def test_a_cluster_sums_weight_times_outcome_and_rounds_once() -> None:
    weights = np.array([0.5, 1.5, 1.0, 1.0])
    found = units_of(
        pair("mae", [1, 1, 2, 3], [0, 2, 4, 1], weights=weights, clusters=np.array([7, 7, 2, 2]))
    )

    assert found.tolist() == [[2_000_000, 2, 3], [2_000_000, 5, 5]]


def test_the_scale_of_weights_says_nothing() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    small = units_of(pair("mae", [10, 20, 30], [1, 2, 3], weights=weights))

    large = units_of(pair("mae", [10, 20, 30], [1, 2, 3], weights=1000 * weights))

    assert small.tolist() == large.tolist()


def test_large_products_do_not_overflow() -> None:
    weights = np.array([1.0] + [1e-9] * 999)
    outcomes = PairedOutcomes("mae", np.full(1000, 2**52), np.zeros(1000, dtype=np.int64), weights)

    heaviest = max(weights_ppm(outcomes).tolist())

    assert heaviest * 2**52 > 2**63
    assert int(units_of(outcomes)[-1, 1]) == (heaviest * 2**52 + 500_000) // 10**6


def test_a_ranked_group_is_one_unit() -> None:
    assert len(units_of(paired("ndcg@5", 200))) == 40
    assert len(units_of(paired("ndcg@5", 200, clustered=True))) == 40
    assert len(units_of(paired("accuracy", 200))) == 200


@pytest.mark.parametrize("clustered", [False, True])
def test_the_order_of_rows_does_not_matter(clustered: bool) -> None:
    outcomes = paired("f1", weighted=True, clustered=clustered)

    shuffled = outcomes.only(np.random.default_rng(1).permutation(outcomes.n))

    assert units_of(shuffled).tolist() == units_of(outcomes).tolist()
