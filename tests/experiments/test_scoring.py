from collections.abc import Sequence

import numpy as np
import pytest
from pytest_django import Settings

from experiments.algorithms.metrics import Answers, Direction, MetricBase, Outcomes, Truth
from experiments.algorithms.metrics import Task as MetricTask
from experiments.scoring import MAX_CONFUSION_LABELS, OutputsUnusable, Scored, score
from hokusai.runner.outputs import Label, Outputs, Task

LABELS = Truth([0, 1, 1, 0])
STRAIGHT = np.arange(4)


def answers(
    rows: Sequence[Sequence[float]],
    classes: Sequence[Label] = (0, 1),
    task: Task = "classification",
) -> Outputs:
    values = np.array(rows, dtype=np.float64)
    names = [f"probability.{name}" for name in classes][: values.shape[1] - 1]
    return Outputs(
        task=task,
        columns=("prediction", *names),
        classes=tuple(classes),
        values=memoryview(values),
        tier="A",
        format="skops",
    )


def hits(found: Scored) -> list[int]:
    return column(found, "accuracy")


def column(found: Scored, name: str) -> list[int]:
    return [int(value) for value in found.outcomes[name][:, 0]]


RIGHT = [[0, 0.9, 0.1], [1, 0.2, 0.8], [0, 0.6, 0.4], [0, 0.5, 0.5]]


def test_outcomes_are_millionths_in_the_order_of_the_rows() -> None:
    found = score(LABELS, answers(RIGHT), STRAIGHT, ["accuracy", "log_loss", "brier_score"])
    assert hits(found) == [1_000_000, 1_000_000, 0, 1_000_000]
    assert found.score("accuracy") == 750_000
    assert column(found, "log_loss") == [105_361, 223_144, 916_291, 693_147]
    assert column(found, "brier_score") == [20_000, 80_000, 720_000, 500_000]


def test_answers_in_shuffled_order_are_put_back() -> None:
    order = np.array([2, 0, 3, 1])
    shuffled = [RIGHT[row] for row in order]
    straight = score(LABELS, answers(RIGHT), STRAIGHT, ["accuracy"])
    assert hits(score(LABELS, answers(shuffled), order, ["accuracy"])) == hits(straight)


def test_a_score_is_rounded_down() -> None:
    outcomes = {"accuracy": np.array([[1_000_000], [0], [0]])}
    assert Scored(outcomes, {}).score("accuracy") == 333_333


@pytest.mark.parametrize("classes", [(0, 1), (0.0, 1.0), ("0", "1"), ("0.0", "1.0")], ids=str)
def test_a_label_is_the_same_in_every_format(classes: tuple[Label, ...]) -> None:
    assert hits(score(LABELS, answers(RIGHT, classes), STRAIGHT, ["accuracy"]))[0] == 1_000_000


def test_labels_of_text_and_of_numbers_with_fractions_are_compared_as_such() -> None:
    rows = [[0], [1]]
    order = np.arange(2)
    assert (
        hits(score(Truth(["1", "2"]), answers(rows, (1, 2)), order, ["accuracy"]))
        == [1_000_000] * 2
    )
    assert (
        hits(score(Truth([1.5, 2.0]), answers(rows, ("1.5", 2)), order, ["accuracy"]))
        == [1_000_000] * 2
    )
    assert hits(score(Truth([1, 2]), answers(rows, ("one", "1.5")), order, ["accuracy"])) == [0, 0]
    assert hits(score(Truth([1.0, 2.0]), answers(rows, ("one", 2)), order, ["accuracy"]))[0] == 0


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (answers([[0.0]] * 4, (), "regression"), "answers numbers"),
        (answers(RIGHT[:3]), "4 rows were asked, 3 answered"),
        (answers([*RIGHT, RIGHT[0]]), "4 rows were asked, 5 answered"),
        (answers([[2, 0.5, 0.5]] * 4), "did not state"),
        (answers([[-1, 0.5, 0.5]] * 4), "did not state"),
        (answers([[0.5, 0.5, 0.5]] * 4), "did not state"),
        (answers([[float("nan"), 0.5, 0.5]] * 4), "did not state"),
        (answers([[0]] * 4), "probability per class"),
        (answers([[0, float("nan"), 0.5]] * 4), "not a number"),
        (answers([[0, 1.5, 0.5]] * 4), "outside"),
        (answers([[0, 0.5, 0.5]] * 4, (7, 8)), "no class"),
        (answers([[0, 0.5, 0.5]] * 4, (1, "1")), "twice"),
    ],
)
def test_answers_that_cannot_be_scored_are_refused(outputs: Outputs, said: str) -> None:
    with pytest.raises(OutputsUnusable, match=said):
        score(LABELS, outputs, STRAIGHT, ["accuracy", "log_loss"])


def test_a_confusion_counts_true_rows_by_predicted_columns() -> None:
    found = score(LABELS, answers(RIGHT), STRAIGHT, ["accuracy"]).confusion
    assert found == {"labels": ["0", "1"], "counts": [[2, 0], [1, 1]]}


def test_a_confusion_of_too_many_labels_is_left_out() -> None:
    many = list(range(MAX_CONFUSION_LABELS + 1))
    outputs = answers([[label] for label in many], many)
    assert score(Truth(many), outputs, np.array(many), ["accuracy"]).confusion == {}


def numbers(values: Sequence[float]) -> Outputs:
    return answers([[value] for value in values], (), "regression")


def test_a_regression_is_scored_by_its_numbers() -> None:
    truth = Truth([1.0, 2.0, 3.0, 5.0])
    found = score(truth, numbers([1.5, 2.0, 3.0, 4.0]), STRAIGHT, ["mae", "rmse"], "regression")
    assert column(found, "mae") == [500_000, 0, 0, 1_000_000]
    assert found.score("mae") == 375_000
    assert found.score("rmse") == 559_016
    assert found.confusion == {}


def test_weights_count_in_the_score() -> None:
    truth = Truth([0, 1, 1, 0], weights=np.array([1.0, 1.0, 2.0, 0.0]))
    assert score(truth, answers(RIGHT), STRAIGHT, ["accuracy"]).score("accuracy") == 500_000


def test_a_ranking_is_scored_by_group() -> None:
    truth = Truth([1.0, 0.0, 0.0, 1.0], groups=np.array([0, 0, 1, 1]))
    found = score(truth, numbers([2, 1, 2, 1]), STRAIGHT, ["ndcg@5"], "ranking")
    assert found.outcomes["ndcg@5"].tolist() == [
        [1_000_000, 1_000_000],
        [0, 0],
        [630_930, 1_000_000],
        [0, 0],
    ]
    assert found.score("ndcg@5") == 815_465


@pytest.mark.parametrize(
    ("given", "said"),
    [([1.0, float("nan"), 1.0, 1.0], "not a finite"), ([1.0], "4 rows were asked, 1 answered")],
)
def test_numbers_that_cannot_be_scored_are_refused(given: list[float], said: str) -> None:
    with pytest.raises(OutputsUnusable, match=said):
        score(Truth([1.0, 2.0, 3.0, 4.0]), numbers(given), STRAIGHT, ["mae"], "regression")


def test_classes_do_not_answer_a_regression() -> None:
    with pytest.raises(OutputsUnusable, match="answers classes"):
        score(Truth([1.0] * 4), answers(RIGHT), STRAIGHT, ["mae"], "regression")


def test_labels_of_one_class_cannot_be_measured() -> None:
    with pytest.raises(OutputsUnusable, match="one class"):
        score(Truth([1, 1, 1, 1]), answers(RIGHT), STRAIGHT, ["accuracy"])


def test_a_registered_metric_scores_like_a_shipped_one(settings: Settings) -> None:
    settings.BENCHMARK_METRICS = {"big_misses": "tests.experiments.test_scoring.BigMisses"}
    truth = Truth([1.0, 2.0, 3.0, 5.0])
    found = score(truth, numbers([1.5, 2.0, 3.0, 4.0]), STRAIGHT, ["big_misses"], "regression")
    assert found.score("big_misses") == 250_000


class BigMisses(MetricBase):
    """Share of rows that are off by at least one."""

    name = "big_misses"
    tasks = (MetricTask.REGRESSION,)
    direction = Direction.LOWER
    unit = "share of rows"

    def check(self, truth: Truth) -> None:
        """Any numbers fit."""

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        off = np.abs(np.asarray(answers.prediction) - np.asarray(truth.labels)) >= 1
        return off.astype(np.int64)[:, np.newaxis] * 1_000_000

    def peer(self, truth: Truth, answers: Answers) -> float:
        return float(self.components(truth, answers).mean()) / 1_000_000
