import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from experiments.algorithms.metrics import Answers, Task, Truth, find_metric
from experiments.algorithms.metrics.catalogue import score
from experiments.algorithms.metrics.ranking import auroc_of, placements


def test_auroc_keeps_only_the_order_of_scores() -> None:
    shares = np.array([0.1, 1e-9, 0.7, 0.7])
    answers = Answers(
        Task.CLASSIFICATION, [0, 0, 1, 1], ["n", "y"], np.column_stack([1 - shares, shares])
    )

    found = find_metric("auroc").components(Truth(["n", "n", "y", "n"]), answers)

    assert found.tolist() == [[1, 0], [0, 0], [2, 1], [2, 0]]


def test_a_tie_counts_one_half_with_and_without_weights() -> None:
    source = np.random.default_rng(1)
    places, labels = source.integers(0, 6, 80), source.integers(0, 2, 80)
    weights = source.uniform(0.1, 2.0, 80)
    rows = np.column_stack([places, labels])

    assert auroc_of(rows) == pytest.approx(roc_auc_score(labels, places), abs=1e-12)
    expected = roc_auc_score(labels, places, sample_weight=weights)
    assert auroc_of(rows, weights) == pytest.approx(expected, abs=1e-12)


def test_without_a_class_there_is_no_area() -> None:
    rows = np.array([[0, 1], [1, 1]])

    assert placements(rows) is None
    assert np.isnan(auroc_of(rows))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_ndcg_shares_the_gain_of_tied_scores(k: int) -> None:
    source = np.random.default_rng(2)
    labels, scores = source.integers(0, 4, 60), source.integers(0, 3, 60).astype(float)
    groups = source.permutation(np.repeat(np.arange(10), 6))
    metric = find_metric(f"ndcg@{k}")

    found = metric.components(Truth(labels, groups=groups), Answers(Task.RANKING, scores))

    expected = [
        ndcg_score([labels[groups == group]], [scores[groups == group]], k=k) for group in range(10)
    ]
    assert score(metric, found) == pytest.approx(float(np.mean(expected)), abs=1e-6)
    assert (found[:, 1] > 0).sum() == 10


def test_a_group_without_relevant_rows_scores_nothing() -> None:
    truth = Truth([0, 0, 1, 0], groups=np.array([0, 0, 1, 1]))

    found = find_metric("ndcg@2").components(truth, Answers(Task.RANKING, [1.0, 2.0, 2.0, 1.0]))

    assert found[:, 0].tolist() == [0, 0, 1_000_000, 0]
