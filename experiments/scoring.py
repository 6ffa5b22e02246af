"""Outcomes per row, from what a version answered in isolation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms import metrics
from experiments.algorithms.metrics import OutcomeError
from hokusai.core.errors import DomainError
from hokusai.runner.outputs import Label, Outputs

MAX_CONFUSION_LABELS = 50


class OutputsUnusable(DomainError):
    """The version's answers cannot be scored."""

    code = "outputs_unusable"


@dataclass(frozen=True, slots=True)
class Scored:
    """`outcomes`: metric -> (n,) int64 in millionths, in the order of the benchmark's rows."""

    outcomes: dict[str, npt.NDArray[np.int64]]
    confusion: dict[str, Any]

    def score(self, metric: str) -> int:
        """The mean in millionths, rounded down."""
        return metrics.score(self.outcomes[metric], round_up=False)


def score(
    labels: Sequence[Label], outputs: Outputs, order: npt.NDArray[np.intp], names: Sequence[str]
) -> Scored:
    """Score answers that came in shuffled order. `order`: (n,) the row that stood at each place.

    Raises OutputsUnusable for a wrong number of rows, unknown labels, NaN.
    """
    if outputs.task != "classification":
        raise OutputsUnusable("The benchmark is a classification; the version answers numbers.")
    answered = np.asarray(outputs.values)
    if len(answered) != len(labels):
        raise OutputsUnusable(f"{len(labels)} rows were asked, {len(answered)} answered.")
    values = answered[np.argsort(order)]
    classes = [_same_type(value, labels[0]) for value in outputs.classes]
    given = [classes[int(position)] for position in _positions(values[:, 0], len(classes))]
    try:
        outcomes = {name: _outcomes(name, labels, given, values, classes) for name in names}
    except OutcomeError as error:
        raise OutputsUnusable(str(error)) from error
    return Scored(outcomes=outcomes, confusion=_confusion(labels, given))


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


def _outcomes(
    name: str,
    labels: Sequence[Label],
    given: Sequence[Label],
    values: npt.NDArray[np.float64],
    classes: Sequence[Label],
) -> npt.NDArray[np.int64]:
    if name == "accuracy":
        return metrics.accuracy(labels, given)
    if values.shape[1] - 1 != len(classes):
        raise OutputsUnusable(f"{name} needs a probability per class.")
    of_rows = metrics.log_loss if name == "log_loss" else metrics.brier_score
    return of_rows(labels, values[:, 1:], classes)


def _confusion(labels: Sequence[Label], given: Sequence[Label]) -> dict[str, Any]:
    names = sorted({*labels, *given}, key=str)
    if len(names) > MAX_CONFUSION_LABELS:
        return {}
    counts = Counter(zip(labels, given, strict=True))
    return {
        "labels": [str(name) for name in names],
        "counts": [[counts[true, guess] for guess in names] for true in names],
    }
