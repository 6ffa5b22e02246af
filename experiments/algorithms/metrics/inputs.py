"""Whether labels and answers can be measured at all, and both as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics.base import Answers, Floats, OutcomeError, Task, Truth

MAX_CLASSES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The different labels in ascending order, and (n,) the place of every row's label."""

    names: list[Any]
    places: npt.NDArray[np.intp]


def check_rows(truth: Truth) -> int:
    """Return how many rows there are. Raises OutcomeError for none, or unusable weights."""
    size = len(truth.labels)
    if not size:
        raise OutcomeError("There are no rows.")
    if truth.weights is not None:
        check_weights(truth.weights, size)
    if truth.groups is not None and len(truth.groups) != size:
        raise OutcomeError(f"{size} labels, but {len(truth.groups)} groups.")
    return size


def check_weights(weights: Floats, size: int) -> None:
    """Raises OutcomeError for weights of another length, NaN, below zero, or all zero."""
    if len(weights) != size:
        raise OutcomeError(f"{size} rows, but {len(weights)} weights.")
    if not bool(np.isfinite(weights).all()) or bool((np.asarray(weights) < 0).any()):
        raise OutcomeError("A weight is not a number, or below zero.")
    if not float(np.sum(weights)) > 0:
        raise OutcomeError("All weights are zero.")


def check_lengths(labels: int, predictions: int) -> None:
    """Raises OutcomeError for a wrong number of predictions, or no rows."""
    if labels != predictions:
        raise OutcomeError(f"{labels} labels, but {predictions} predictions.")
    if not labels:
        raise OutcomeError("There are no rows.")


def check_task(name: str, tasks: tuple[Task, ...], answers: Answers) -> None:
    """Raises OutcomeError where a metric is asked of a model with another task."""
    if answers.task not in tasks:
        fits = " or ".join(tasks)
        raise OutcomeError(f"{name} measures {fits}; these are answers of a {answers.task}.")


def classes_of(name: str, truth: Truth) -> Classes:
    """Return the classes of the labels. Raises OutcomeError for one class, NaN, mixed types."""
    check_rows(truth)
    labels = listed(truth.labels)
    _check_values(labels, "A label")
    try:
        names = sorted(set(labels))
    except TypeError as error:
        raise OutcomeError(f"{name} needs labels of one type.") from error
    if len(names) < 2:  # noqa: PLR2004
        raise OutcomeError(f"All labels are of one class, {names[0]!r}: {name} needs two.")
    places = {value: place for place, value in enumerate(names)}
    return Classes(names, np.array([places[label] for label in labels], dtype=np.intp))


def few_classes_of(name: str, truth: Truth) -> Classes:
    """Return the classes, at most MAX_CLASSES. Raises OutcomeError for numbers as labels."""
    classes = classes_of(name, truth)
    if len(classes.names) > MAX_CLASSES:
        raise OutcomeError(
            f"{name} does not fit these labels: {len(classes.names)} different values, "
            f"at most {MAX_CLASSES} classes."
        )
    return classes


def predicted_places(names: Sequence[Any], truth: Truth, answers: Answers) -> npt.NDArray[np.intp]:
    """Return (n,) the class predicted, -1 for one that no label has. Raises OutcomeError."""
    check_lengths(len(truth.labels), len(answers.prediction))
    given = listed(answers.prediction)
    _check_values(given, "A prediction")
    places = {value: place for place, value in enumerate(names)}
    return np.array([places.get(value, -1) for value in given], dtype=np.intp)


def probability_columns(name: str, labels: Sequence[Any], answers: Answers) -> npt.NDArray[np.intp]:
    """Return (n,) the column of each row's label. Raises OutcomeError for unusable columns."""
    if answers.probabilities is None:
        raise OutcomeError(f"{name} needs a probability per class.")
    return label_columns(labels, answers.probabilities, answers.classes)


def label_columns(
    labels: Sequence[Any] | npt.NDArray[Any], probabilities: Floats, classes: Sequence[Any]
) -> npt.NDArray[np.intp]:
    """Return (n,) places of labels among `classes`, after checking (n, k) probabilities."""
    check_lengths(len(labels), len(probabilities))
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):  # noqa: PLR2004
        raise OutcomeError("The probabilities need one column per class.")
    if not bool(np.all((probabilities >= 0) & (probabilities <= 1))):
        raise OutcomeError("A probability is not a number, or outside [0, 1].")
    places = {value: place for place, value in enumerate(listed(classes))}
    if len(places) != len(classes):
        raise OutcomeError("A class is given twice.")
    wanted = listed(labels)
    if unknown := set(wanted) - places.keys():
        raise OutcomeError(f"A label has no class: {next(iter(unknown))!r}.")
    return np.array([places[label] for label in wanted], dtype=np.intp)


def numbers(name: str, values: Sequence[Any] | npt.NDArray[Any], what: str) -> Floats:
    """Return (n,) float64. Raises OutcomeError for texts, missing values, NaN or infinity."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutcomeError(f"{name} needs numbers; {what} is not one.") from error
    if found.ndim != 1 or not bool(np.isfinite(found).all()):
        raise OutcomeError(f"{what.capitalize()} is not a finite number.")
    return found


def labels_and_numbers(name: str, truth: Truth, answers: Answers) -> tuple[Floats, Floats]:
    """Return (n,) labels and (n,) predictions as float64. Raises OutcomeError."""
    check_rows(truth)
    check_lengths(len(truth.labels), len(answers.prediction))
    labels = numbers(name, truth.labels, "a label")
    return labels, numbers(name, answers.prediction, "a prediction")


def listed(values: Sequence[Any] | npt.NDArray[Any]) -> list[Any]:
    """Return Python values, so that equal labels are equal whatever array they came in."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _check_values(values: list[Any], what: str) -> None:
    # NaN is the only value that differs from itself.
    if any(value is None or value != value for value in set(values)):  # noqa: PLR0124
        raise OutcomeError(f"{what} is missing.")
