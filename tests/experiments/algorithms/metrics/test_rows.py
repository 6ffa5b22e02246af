import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.algorithms.metrics import (
    METRICS,
    OutcomeError,
    accuracy,
    brier_score,
    log_loss,
    score,
    to_fixed,
    total,
)


def test_a_hit_is_a_million_and_a_miss_is_nothing() -> None:
    assert accuracy(["a", "b"], ["a", "c"]).tolist() == [1_000_000, 0]


def test_log_loss_is_minus_the_log_of_the_labels_probability() -> None:
    probabilities = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]])

    outcomes = log_loss(["n", "y", "y"], probabilities, ["n", "y"])

    assert outcomes.tolist() == [693147, 223144, 34_538_776]


def test_brier_score_sums_over_the_classes() -> None:
    outcomes = brier_score([0, 1], np.array([[1.0, 0.0], [0.5, 0.5]]), [0, 1])

    assert outcomes.tolist() == [0, 500_000]


def test_rounding_is_half_to_even() -> None:
    assert to_fixed(np.array([0.5e-6, 1.5e-6, 2.5e-6])).tolist() == [0, 2, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
def test_what_no_integer_can_hold_is_refused(value: float) -> None:
    with pytest.raises(OutcomeError):
        to_fixed(np.array([value]))


@pytest.mark.parametrize(
    ("labels", "probabilities", "classes"),
    [
        ([0], [[math.nan, 1.0]], [0, 1]),
        ([0], [[-0.1, 1.1]], [0, 1]),
        ([2], [[0.5, 0.5]], [0, 1]),
        ([0], [[0.5, 0.5]], [0]),
        ([0], [[0.5, 0.5]], [0, 0]),
        ([0, 1], [[0.5, 0.5]], [0, 1]),
        ([], np.empty((0, 2)), [0, 1]),
    ],
)
def test_probabilities_are_checked(labels: list[int], probabilities: object, classes: list[int]):
    with pytest.raises(OutcomeError):
        log_loss(labels, np.asarray(probabilities, dtype=np.float64), classes)


def test_accuracy_needs_as_many_predictions_as_labels() -> None:
    with pytest.raises(OutcomeError):
        accuracy([1, 2], [1])


@settings(deadline=None)
@given(st.lists(st.integers(-(2**52), 2**52), min_size=1, max_size=50))
def test_the_sum_is_exact_and_scores_enclose_the_mean(values: list[int]) -> None:
    outcomes = np.array(values, dtype=np.int64)

    low, high = score(outcomes, round_up=False), score(outcomes, round_up=True)

    assert total(outcomes) == sum(values)
    assert low * len(values) <= sum(values) <= high * len(values)
    assert high - low == (0 if sum(values) % len(values) == 0 else 1)


def test_a_score_needs_rows() -> None:
    with pytest.raises(OutcomeError):
        score(np.array([], dtype=np.int64), round_up=True)


def test_the_sign_makes_better_positive() -> None:
    assert (METRICS["accuracy"].sign, METRICS["log_loss"].sign) == (1, -1)
