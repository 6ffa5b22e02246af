"""Outcomes per row, from what a version answered in isolation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics import Answers, OutcomeError, Task, Truth, score_ppm
from experiments.registered_metrics import metric_of
from hokusai.core.errors import DomainError
from hokusai.runner.outputs import Label, Outputs

MAX_CONFUSION_LABELS = 50


class OutputsUnusable(DomainError):
    """The version's answers cannot be scored."""

    code = "outputs_unusable"


@dataclass(frozen=True, slots=True)
class Scored:
    """`outcomes`: metric -> (n, p) int64 in millionths, in the order of the benchmark's rows."""

    outcomes: dict[str, npt.NDArray[np.int64]]
    confusion: dict[str, Any]
    weights: npt.NDArray[np.float64] | None = None

    def score(self, metric: str) -> int:
        """The score in millionths, rounded down. Raises OutputsUnusable where it is undefined."""
        try:
            return score_ppm(metric_of(metric), self.outcomes[metric], self.weights)
        except OutcomeError as error:
            raise OutputsUnusable(str(error)) from error


def score(
    truth: Truth,
    outputs: Outputs,
    order: npt.NDArray[np.intp],
    names: Sequence[str],
    task: str = Task.CLASSIFICATION,
) -> Scored:
    """Score answers that came in shuffled order. `order`: (n,) the row that stood at each place.

    Raises OutputsUnusable for answers of another task, a wrong number of rows, unknown labels,
    NaN, or labels that a metric does not fit.
    """
    answers = answers_of(truth, outputs, order, task)
    try:
        outcomes = {name: metric_of(name).components(truth, answers) for name in names}
    except OutcomeError as error:
        raise OutputsUnusable(str(error)) from error
    confusion = _confusion(truth.labels, answers.prediction) if answers.classes else {}
    return Scored(outcomes=outcomes, confusion=confusion, weights=truth.weights)


def answers_of(truth: Truth, outputs: Outputs, order: npt.NDArray[np.intp], task: str) -> Answers:
    """What was answered, in the order of the rows. Raises OutputsUnusable."""
    _check_task(outputs, task)
    answered = np.asarray(outputs.values)
    if len(answered) != len(truth.labels):
        raise OutputsUnusable(f"{len(truth.labels)} rows were asked, {len(answered)} answered.")
    values = answered[np.argsort(order)]
    if task != Task.CLASSIFICATION:
        return Answers(task=Task(task), prediction=values[:, 0])
    classes = [_same_type(value, truth.labels[0]) for value in outputs.classes]
    given = [classes[int(position)] for position in _positions(values[:, 0], len(classes))]
    return Answers(
        task=Task.CLASSIFICATION,
        prediction=given,
        classes=classes,
        probabilities=values[:, 1:] if values.shape[1] > 1 else None,
    )


def _check_task(outputs: Outputs, task: str) -> None:
    asked = "classification" if task == Task.CLASSIFICATION else "regression"
    if outputs.task == asked:
        return
    what = "numbers" if outputs.task == "regression" else "classes"
    raise OutputsUnusable(f"The benchmark is a {task}; the version answers {what}.")


def _positions(column: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.intp]:
    whole = np.rint(column)
    if not bool(np.all((column == whole) & (whole >= 0) & (whole < size))):
        raise OutputsUnusable("The version answered with a class that it did not state.")
    return whole.astype(np.intp)


def _same_type(value: Label, sample: Label) -> Label:
    """Class labels cross formats: 1, 1.0 and "1" are one label to a benchmark of integers."""
    if isinstance(sample, bool) or isinstance(value, type(sample)):
        return value
    try:
        if isinstance(sample, int):
            return int(float(value)) if float(value).is_integer() else value
        return type(sample)(value)
    except ValueError:
        return value


def _confusion(labels: Iterable[Label], given: Iterable[Label]) -> dict[str, Any]:
    labels, given = list(labels), list(given)
    names = sorted({*labels, *given}, key=str)
    if len(names) > MAX_CONFUSION_LABELS:
        return {}
    counts = Counter(zip(labels, given, strict=True))
    return {
        "labels": [str(name) for name in names],
        "counts": [[counts[true, guess] for guess in names] for true in names],
    }
