"""Bad input: each a clear sentence, never a number that looks right."""

import math

import numpy as np
import pytest

from experiments.algorithms.metrics import Answers, OutcomeError, Task, Truth, find_metric

PAIR = np.array([[0.4, 0.6], [0.7, 0.3]])


def answers(**changes: object) -> Answers:
    given = {"task": Task.CLASSIFICATION, "prediction": [1, 0], "classes": [0, 1]}
    return Answers(**{**given, "probabilities": PAIR, **changes})  # type: ignore[arg-type]


def numbers(values: object) -> Answers:
    return Answers(Task.REGRESSION, values)  # type: ignore[arg-type]


def ranked(values: object) -> Answers:
    return Answers(Task.RANKING, values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "truth", "given", "said"),
    [
        ("accuracy", Truth([0, 1]), answers(prediction=[1]), "2 labels, but 1 predictions"),
        ("accuracy", Truth([]), answers(prediction=[]), "There are no rows"),
        ("accuracy", Truth([1, 1]), answers(), "All labels are of one class, 1"),
        ("accuracy", Truth([0, None]), answers(), "A label is missing"),
        ("accuracy", Truth([0.0, math.nan]), answers(), "A label is missing"),
        ("accuracy", Truth([0, 1]), answers(prediction=[0.0, math.nan]), "A prediction is missing"),
        ("accuracy", Truth([0, "1"]), answers(), "labels of one type"),
        ("accuracy", Truth([0, 1]), numbers([0.0, 1.0]), "these are answers of a regression"),
        ("f1", Truth(np.arange(90)), answers(), "does not fit these labels: 90 different values"),
        ("auroc", Truth([0, 1, 2]), answers(), "labels of two classes, not of 3"),
        ("auroc", Truth([0, 1]), answers(probabilities=None), "needs a probability per class"),
        ("auroc", Truth([0, 2]), answers(), "A label has no class: 2"),
        ("log_loss", Truth([0, 1]), answers(probabilities=None), "needs a probability per class"),
        ("log_loss", Truth([0, 1]), answers(probabilities=PAIR * math.nan), "not a number"),
        ("log_loss", Truth([0, 1]), answers(probabilities=PAIR[:1]), "2 labels, but 1"),
        ("brier_score", Truth([0, 1]), answers(probabilities=2 * PAIR), "outside"),
        ("mae", Truth(["a", "b"]), numbers([1.0, 2.0]), "mae needs numbers; a label is not one"),
        ("mae", Truth([1.0, 2.0]), numbers([1.0, math.nan]), "A prediction is not a finite number"),
        ("mae", Truth([1.0, math.inf]), numbers([1.0, 2.0]), "A label is not a finite number"),
        ("mae", Truth([1.0, 2.0]), answers(), "mae measures regression"),
        ("rmse", Truth([0.0, 1e6]), numbers([1.0, 0.0]), "too large: state labels in a larger"),
        ("r2", Truth([3.0, 3.0]), numbers([1.0, 2.0]), "All labels are the same number"),
        ("poisson_deviance", Truth([1.5, 2]), numbers([1.0, 2.0]), "needs counts"),
        ("poisson_deviance", Truth([-1, 2]), numbers([1.0, 2.0]), "needs counts"),
        ("poisson_deviance", Truth([1, 2]), numbers([0.0, 2.0]), "predictions above zero"),
        ("ndcg@5", Truth([1, 2]), ranked([1.0, 2.0]), "needs a group for every row"),
        ("ndcg@5", Truth([1, -2], groups=np.array([0, 0])), ranked([1.0, 2.0]), "zero or more"),
        ("ndcg@5", Truth([1, 2], groups=np.array([0, 1])), ranked([1.0, 2.0]), "at least two rows"),
        ("ndcg@5", Truth([1, 2], groups=np.array([0])), ranked([1.0, 2.0]), "but 1 groups"),
        ("mae", Truth([1, 2], np.array([1.0])), numbers([1, 2]), "2 rows, but 1 weights"),
        ("mae", Truth([1, 2], np.array([1.0, -1.0])), numbers([1, 2]), "below zero"),
        ("mae", Truth([1, 2], np.array([1.0, math.nan])), numbers([1, 2]), "A weight is not"),
        ("mae", Truth([1, 2], np.zeros(2)), numbers([1, 2]), "All weights are zero"),
    ],
)
def test_unusable_input_is_refused_with_its_reason(
    metric: str, truth: Truth, given: Answers, said: str
) -> None:
    with pytest.raises(OutcomeError, match=said):
        find_metric(metric).components(truth, given)


def test_a_group_has_one_weight() -> None:
    truth = Truth([1, 2], np.array([1.0, 2.0]), np.array([0, 0]))

    with pytest.raises(OutcomeError, match="need one weight"):
        find_metric("ndcg@5").check(truth)


@pytest.mark.parametrize("name", ["accuracy", "f1", "auroc", "log_loss", "brier_score"])
def test_a_benchmark_of_one_class_is_refused_before_any_answer(name: str) -> None:
    with pytest.raises(OutcomeError, match="one class"):
        find_metric(name).check(Truth(["yes", "yes"]))


@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "poisson_deviance"])
def test_texts_do_not_fit_a_metric_of_numbers(name: str) -> None:
    with pytest.raises(OutcomeError, match="needs numbers"):
        find_metric(name).check(Truth(["yes", "no"]))


def test_labels_equal_across_arrays_and_lists() -> None:
    metric = find_metric("accuracy")
    truth = Truth(np.array([0, 1], dtype=np.int32))

    found = metric.components(truth, answers(prediction=np.array([0.0, 0.0])))

    assert found.ravel().tolist() == [1_000_000, 0]
