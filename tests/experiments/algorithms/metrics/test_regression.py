import numpy as np
import pytest

from experiments.algorithms.metrics import Answers, Task, Truth, find_metric
from experiments.algorithms.metrics.catalogue import score


def test_errors_are_kept_per_row_in_millionths() -> None:
    truth, answers = Truth([1.0, 2.0]), Answers(Task.REGRESSION, [1.5, 0.0])

    assert find_metric("mae").components(truth, answers).ravel().tolist() == [500_000, 2_000_000]
    assert find_metric("rmse").components(truth, answers).ravel().tolist() == [250_000, 4_000_000]


def test_r2_of_large_labels_stays_exact_in_fixed_point() -> None:
    source, metric = np.random.default_rng(4), find_metric("r2")
    labels = source.normal(4e7, 1e6, 400)
    truth, answers = Truth(labels), Answers(Task.REGRESSION, labels + source.normal(0, 5e5, 400))

    ours = score(metric, metric.components(truth, answers))

    assert ours == pytest.approx(metric.peer(truth, answers), abs=1e-6)


def test_the_deviance_of_a_count_of_zero_is_twice_the_prediction() -> None:
    found = find_metric("poisson_deviance").components(
        Truth([0, 3]), Answers(Task.REGRESSION, [0.5, 3.0])
    )

    assert found.ravel().tolist() == [1_000_000, 0]


def test_a_resample_of_equal_labels_has_no_r2() -> None:
    metric = find_metric("r2")

    assert np.isnan(metric.value(np.array([0.5, 1.0, 1.0])))
    assert np.isnan(metric.gradient(np.array([0.5, 1.0, 1.0]))).all()
