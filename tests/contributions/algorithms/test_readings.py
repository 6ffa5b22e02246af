import numpy as np
import pytest

from contributions.algorithms.coalitions import CoalitionError
from contributions.algorithms.readings import reading_of
from experiments.algorithms.delong import area_difference
from experiments.algorithms.metrics import METRICS, Answers, Task, Truth
from experiments.algorithms.metrics.catalogue import score

ROWS = 200


def sides(name: str) -> tuple[Truth, list[Answers]]:
    """Labels of 200 rows, and two models' answers that the metric can read."""
    generator = np.random.default_rng(4)
    task = METRICS[name].tasks[0]
    if task == Task.REGRESSION:
        labels = generator.poisson(4, ROWS).astype(float)
        guesses = [np.abs(labels + generator.normal(size=ROWS) * by) + 0.1 for by in (2.0, 1.0)]
        return Truth(labels), [Answers(task, guess) for guess in guesses]
    labels = generator.integers(0, 2, ROWS)
    answers = []
    for noise in (0.9, 0.5):
        second = np.clip(
            0.5 + 0.3 * (labels - 0.5) + noise * generator.normal(size=ROWS), 0.01, 0.99
        )
        chances = np.stack([1 - second, second], axis=1)
        answers.append(Answers(task, (second > 0.5).astype(int), (0, 1), chances))
    return Truth(labels), answers


NAMES = ["accuracy", "f1", "balanced_accuracy", "auroc", "log_loss", "brier_score"]
NUMBERS = ["mae", "rmse", "r2", "poisson_deviance"]


def components(name: str) -> np.ndarray:
    truth, answers = sides(name)
    return np.stack([METRICS[name].components(truth, one) for one in answers])


@pytest.mark.parametrize("name", [*NAMES, *NUMBERS])
def test_a_value_is_the_metrics_score_turned_so_that_more_is_better(name: str) -> None:
    metric, outcomes = METRICS[name], components(name)
    values, _ = reading_of(metric, outcomes[0]).read(outcomes)
    assert values == pytest.approx([metric.sign * score(metric, one) for one in outcomes])


@pytest.mark.parametrize("name", [*NAMES, *NUMBERS])
def test_the_error_of_a_difference_is_the_bootstraps(name: str) -> None:
    metric, outcomes = METRICS[name], components(name)
    _, influence = reading_of(metric, outcomes[0]).read(outcomes)
    error = np.sqrt(((influence[1] - influence[0]) ** 2).sum())
    assert np.allclose(influence.sum(axis=1), 0, atol=1e-9)
    generator, draws = np.random.default_rng(1), []
    for _ in range(400):
        rows = generator.integers(0, ROWS, ROWS)
        draws.append(score(metric, outcomes[1, rows]) - score(metric, outcomes[0, rows]))
    assert error == pytest.approx(np.std(draws), rel=0.2)


def test_the_error_of_areas_is_delongs() -> None:
    outcomes = components("auroc")
    reading = reading_of(METRICS["auroc"], outcomes[0])
    _, influence = reading.read(outcomes)
    ours = np.sqrt(((influence[1] - influence[0]) ** 2).sum())
    theirs = area_difference(outcomes[0], outcomes[1])
    assert ours == pytest.approx(theirs.standard_error, rel=0.01)
    assert reading.units == theirs.n


def test_a_row_of_weight_two_is_two_rows() -> None:
    for name in ("accuracy", "f1", "auroc"):
        metric, outcomes = METRICS[name], components(name)
        weights = np.where(np.arange(ROWS) % 3, 1.0, 2.0)
        weighted, _ = reading_of(metric, outcomes[0], weights=weights).read(outcomes)
        twice = np.repeat(outcomes, weights.astype(int), axis=1)
        repeated, _ = reading_of(metric, twice[0]).read(twice)
        assert weighted == pytest.approx(repeated)


def test_clusters_and_weighed_rows_are_counted() -> None:
    outcomes = components("accuracy")
    metric, clusters = METRICS["accuracy"], np.arange(ROWS) // 4
    assert reading_of(metric, outcomes[0]).units == ROWS
    assert reading_of(metric, outcomes[0], clusters=clusters).units == ROWS // 4
    weights = (np.arange(ROWS) < 80).astype(float)
    assert reading_of(metric, outcomes[0], clusters=clusters, weights=weights).units == 20


def test_rows_of_one_class_have_no_area() -> None:
    outcomes = components("auroc")
    outcomes[:, :, 1] = 1
    with pytest.raises(CoalitionError, match="one class"):
        reading_of(METRICS["auroc"], components("auroc")[0]).read(outcomes)
