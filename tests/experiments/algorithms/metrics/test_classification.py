import numpy as np
import pytest

from experiments.algorithms.metrics import Answers, OutcomeError, Task, Truth, find_metric
from experiments.algorithms.metrics.catalogue import score


def said(prediction: list[object]) -> Answers:
    return Answers(Task.CLASSIFICATION, prediction)


def test_the_larger_of_two_labels_is_the_positive_class() -> None:
    metric = find_metric("f1")
    truth = Truth(["no", "yes", "yes", "no"])

    found = metric.components(truth, said(["no", "yes", "no", "yes"]))

    assert found.tolist() == [[0, 0, 0], [10**6] * 3, [0, 0, 10**6], [0, 10**6, 0]]
    assert score(metric, found) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["accuracy", "f1", "balanced_accuracy"])
def test_a_class_that_no_label_has_is_a_miss(name: str) -> None:
    metric, truth = find_metric(name), Truth([0, 1, 2, 0, 1, 2])

    answers = said([0, 1, 2, 9, 9, 9])

    assert score(metric, metric.components(truth, answers)) == pytest.approx(
        metric.peer(truth, answers)
    )


def test_balanced_accuracy_counts_every_class_alike() -> None:
    metric = find_metric("balanced_accuracy")
    found = metric.components(Truth([0] * 9 + [1]), said([0] * 10))

    assert score(metric, found) == pytest.approx(0.5)


def test_a_class_that_a_resample_misses_is_left_out_of_the_mean() -> None:
    metric = find_metric("balanced_accuracy")

    assert float(metric.value(np.array([0.3, 0.6, 0.0, 0.0]))) == pytest.approx(0.5)
    assert metric.gradient(np.array([0.3, 0.6, 0.0, 0.0]))[2:].tolist() == [0.0, 0.0]


def test_log_loss_is_minus_the_log_of_the_labels_probability() -> None:
    probabilities = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])
    answers = Answers(Task.CLASSIFICATION, ["n", "y", "n"], ["n", "y"], probabilities)

    found = find_metric("log_loss").components(Truth(["n", "y", "y"]), answers)

    # A probability of zero is read as 1e-15.
    assert found.ravel().tolist() == [693147, 223144, 34_538_776]


def test_the_brier_score_sums_over_the_classes() -> None:
    answers = Answers(Task.CLASSIFICATION, [0, 1], [0, 1], np.array([[1.0, 0.0], [0.5, 0.5]]))

    found = find_metric("brier_score").components(Truth([0, 1]), answers)

    assert found.ravel().tolist() == [0, 500_000]


def test_a_class_given_twice_is_refused() -> None:
    answers = Answers(Task.CLASSIFICATION, [0, 1], [0, 0], np.array([[1.0, 0.0], [0.5, 0.5]]))

    with pytest.raises(OutcomeError, match="given twice"):
        find_metric("brier_score").components(Truth([0, 1]), answers)
