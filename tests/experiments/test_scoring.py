from collections.abc import Sequence

import numpy as np
import pytest

from experiments.scoring import MAX_CONFUSION_LABELS, OutputsUnusable, Scored, score
from hokusai.runner.outputs import Label, Outputs, Task

LABELS = [0, 1, 1, 0]
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
    return [int(value) for value in found.outcomes["accuracy"]]


RIGHT = [[0, 0.9, 0.1], [1, 0.2, 0.8], [0, 0.6, 0.4], [0, 0.5, 0.5]]


def test_outcomes_are_millionths_in_the_order_of_the_rows() -> None:
    found = score(LABELS, answers(RIGHT), STRAIGHT, ["accuracy", "log_loss", "brier_score"])
    assert hits(found) == [1_000_000, 1_000_000, 0, 1_000_000]
    assert found.score("accuracy") == 750_000
    assert [int(v) for v in found.outcomes["log_loss"]] == [105_361, 223_144, 916_291, 693_147]
    assert [int(v) for v in found.outcomes["brier_score"]] == [20_000, 80_000, 720_000, 500_000]


def test_answers_in_shuffled_order_are_put_back() -> None:
    order = np.array([2, 0, 3, 1])
    shuffled = [RIGHT[row] for row in order]
    straight = score(LABELS, answers(RIGHT), STRAIGHT, ["accuracy"])
    assert hits(score(LABELS, answers(shuffled), order, ["accuracy"])) == hits(straight)


def test_a_score_is_rounded_down() -> None:
    outcomes = {"accuracy": np.array([1_000_000, 0, 0])}
    assert Scored(outcomes, {}).score("accuracy") == 333_333


@pytest.mark.parametrize("classes", [(0, 1), (0.0, 1.0), ("0", "1"), ("0.0", "1.0")], ids=str)
def test_a_label_is_the_same_in_every_format(classes: tuple[Label, ...]) -> None:
    assert hits(score(LABELS, answers(RIGHT, classes), STRAIGHT, ["accuracy"]))[0] == 1_000_000


def test_labels_of_text_and_of_numbers_with_fractions_are_compared_as_such() -> None:
    rows = [[0], [1]]
    order = np.arange(2)
    assert hits(score(["1", "2"], answers(rows, (1, 2)), order, ["accuracy"])) == [1_000_000] * 2
    assert (
        hits(score([1.5, 2.0], answers(rows, ("1.5", 2)), order, ["accuracy"])) == [1_000_000] * 2
    )
    assert hits(score([1, 2], answers(rows, ("one", "1.5")), order, ["accuracy"])) == [0, 0]
    assert hits(score([1.0, 2.0], answers(rows, ("one", 2)), order, ["accuracy"]))[0] == 0


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
    assert score(many, outputs, np.array(many), ["accuracy"]).confusion == {}
