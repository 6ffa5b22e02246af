import math

import numpy as np
import pytest

from experiments.algorithms.metrics import (
    METRICS,
    Answers,
    Kind,
    Metric,
    MetricBase,
    OutcomeError,
    Outcomes,
    Task,
    Truth,
    find_metric,
    score_ppm,
    to_fixed,
)
from experiments.algorithms.metrics.catalogue import score
from tests.experiments.algorithms.outcome_examples import EVERY_METRIC, answers_of, truth_of


class WithinOne(MetricBase):
    """Share of rows that miss the label by at most one: registered from outside."""

    name = "within_one"
    tasks = (Task.REGRESSION,)
    kind = Kind.PROPORTION
    unit = "share of rows"

    def check(self, truth: Truth) -> None:
        pass

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        misses = np.abs(np.asarray(answers.prediction) - np.asarray(truth.labels))
        return to_fixed((misses <= 1).astype(float))[:, np.newaxis]

    def peer(self, truth: Truth, answers: Answers) -> float:
        return math.nan


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", EVERY_METRIC)
def test_every_score_is_scikit_learns(name: str, weighted: bool) -> None:
    source, metric = np.random.default_rng(8), find_metric(name)
    truth = truth_of(metric, 300, source, weighted=weighted)
    answers = answers_of(metric, truth, source)

    ours = score(metric, metric.components(truth, answers), truth.weights)

    # Fixed point keeps half a millionth per row.
    assert ours == pytest.approx(metric.peer(truth, answers), abs=5e-7)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "log_loss", "brier_score", "accuracy"])
def test_scores_of_four_classes_are_scikit_learns(name: str, weighted: bool) -> None:
    source, metric = np.random.default_rng(9), find_metric(name)
    weights = source.uniform(0.2, 3.0, 300) if weighted else None
    truth = Truth(source.integers(0, 4, 300), weights)
    answers = answers_of(metric, truth, source, classes=4)

    ours = score(metric, metric.components(truth, answers), weights)

    assert ours == pytest.approx(metric.peer(truth, answers), abs=5e-7)


@pytest.mark.parametrize("name", [name for name in EVERY_METRIC if name != "auroc"])
def test_every_slope_is_the_derivative_of_the_value(name: str) -> None:
    source, metric = np.random.default_rng(10), find_metric(name)
    truth = truth_of(metric, 100, source, weighted=False)
    means = metric.components(truth, answers_of(metric, truth, source)).mean(axis=0) / 1e6

    slopes = metric.gradient(means)

    for place in range(len(means)):
        step = np.zeros_like(means)
        step[place] = 1e-6
        seen = (metric.value(means + step) - metric.value(means - step)) / 2e-6
        assert slopes[place] == pytest.approx(float(seen), abs=1e-4)


def test_a_registered_metric_is_found_by_its_name() -> None:
    registered = {"within_one": WithinOne()}
    found = find_metric("within_one", registered)

    assert isinstance(found, Metric)
    assert found.gradient(np.array([0.5])).tolist() == [1.0]


def test_any_k_of_ndcg_is_known() -> None:
    assert find_metric("ndcg@7").name == "ndcg@7"


@pytest.mark.parametrize("name", ["loudness", "ndcg@0", "ndcg@", "ndcg@x", ""])
def test_an_unknown_metric_is_said_to_be_unknown(name: str) -> None:
    with pytest.raises(OutcomeError, match="Unknown metric"):
        find_metric(name)


def test_a_score_in_millionths_is_rounded_down_but_not_for_float_noise() -> None:
    mae = METRICS["mae"]

    assert score_ppm(mae, np.array([[1], [2]])) == 1
    assert score_ppm(METRICS["rmse"], np.array([[40_000]])) == 200_000


def test_metrics_state_direction_kind_and_unit() -> None:
    lower = {name for name, metric in METRICS.items() if metric.sign < 0}

    assert lower == {"log_loss", "brier_score", "mae", "rmse", "poisson_deviance"}
    assert all(metric.unit and metric.minimum() == 30 for metric in METRICS.values())
    assert METRICS["poisson_deviance"].kind == Kind.COUNT
