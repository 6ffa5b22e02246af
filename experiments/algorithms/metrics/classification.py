"""Metrics of classes: accuracy, F1, balanced accuracy, log-loss, Brier score.

Definitions are scikit-learn's. `f1` of two classes takes the larger label as positive; of more it
is the unweighted mean over the classes that the labels hold, as is `balanced_accuracy`. The Brier
score sums over classes (`scale_by_half=False`).
"""

from typing import Any

import numpy as np

from experiments.algorithms.metrics.base import (
    SCALE,
    Answers,
    Direction,
    Floats,
    Form,
    Kind,
    MetricBase,
    Outcomes,
    Task,
    Truth,
    column,
)
from experiments.algorithms.metrics.inputs import (
    check_task,
    classes_of,
    few_classes_of,
    listed,
    predicted_places,
    probability_columns,
)

LOG_LOSS_CLIP = 1e-15
BINARY = 2


class ClassMetric(MetricBase):
    """A metric of a classification."""

    tasks: tuple[Task, ...] = (Task.CLASSIFICATION,)

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError for one class only, missing labels, or too many classes."""
        few_classes_of(self.name, truth)


class Accuracy(ClassMetric):
    """Share of rows whose prediction equals the label."""

    name: str = "accuracy"
    kind: Kind = Kind.PROPORTION
    unit: str = "share of rows"

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError for one class only or missing labels."""
        classes_of(self.name, truth)

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return 1,000,000 for every hit, else 0; (n, 1)."""
        check_task(self.name, self.tasks, answers)
        classes = classes_of(self.name, truth)
        hits = predicted_places(classes.names, truth, answers) == classes.places
        found: Outcomes = hits.astype(np.int64)[:, np.newaxis] * SCALE
        return found

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's accuracy_score."""
        from sklearn.metrics import accuracy_score  # noqa: PLC0415

        guesses = listed(answers.prediction)
        return float(accuracy_score(listed(truth.labels), guesses, sample_weight=truth.weights))


class BalancedAccuracy(ClassMetric):
    """Mean over classes of the share of a class's rows that were found."""

    name: str = "balanced_accuracy"
    kind: Kind = Kind.RATIO
    form: Form = Form.SUMS
    unit: str = "mean share of a class's rows"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return per class its hits and its rows; (n, 2 k)."""
        check_task(self.name, self.tasks, answers)
        classes = few_classes_of(self.name, truth)
        hits = predicted_places(classes.names, truth, answers) == classes.places
        parts = np.zeros((len(hits), len(classes.names), 2), dtype=np.int64)
        rows = np.arange(len(hits))
        parts[rows, classes.places, 0] = hits
        parts[rows, classes.places, 1] = 1
        return parts.reshape(len(hits), -1) * SCALE

    def value(self, means: Floats) -> Floats:
        """Return the mean of hits over rows of the classes that are there."""
        hits, rows = means[..., 0::2], means[..., 1::2]
        shares = np.divide(hits, rows, out=np.zeros_like(hits), where=rows > 0)
        found: Floats = shares.sum(axis=-1) / (rows > 0).sum(axis=-1)
        return found

    def gradient(self, means: Floats) -> Floats:
        """Return 1 / (k rows) by hits and -hits / (k rows^2) by rows."""
        hits, rows = means[..., 0::2], means[..., 1::2]
        present = (rows > 0).sum(axis=-1)[..., np.newaxis]
        slopes = np.zeros_like(means)
        inverse = np.divide(1.0, rows, out=np.zeros_like(rows), where=rows > 0) / present
        slopes[..., 0::2] = inverse
        slopes[..., 1::2] = -hits * present * inverse**2
        return slopes

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's balanced_accuracy_score."""
        from sklearn.metrics import balanced_accuracy_score  # noqa: PLC0415

        labels, guesses = listed(truth.labels), listed(answers.prediction)
        return float(balanced_accuracy_score(labels, guesses, sample_weight=truth.weights))


class F1(ClassMetric):
    """Harmonic mean of precision and recall: 2 hits / (predicted + actual)."""

    name: str = "f1"
    kind: Kind = Kind.RATIO
    form: Form = Form.SUMS
    unit: str = "F1"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return hits, predicted and actual per class that counts; (n, 3) or (n, 3 k)."""
        check_task(self.name, self.tasks, answers)
        classes = few_classes_of(self.name, truth)
        guesses = predicted_places(classes.names, truth, answers)
        count = len(classes.names)
        counted = np.array([1]) if count == BINARY else np.arange(count)
        predicted = guesses[:, np.newaxis] == counted
        actual = classes.places[:, np.newaxis] == counted
        parts = np.stack([predicted & actual, predicted, actual], axis=-1)
        return parts.reshape(len(guesses), -1).astype(np.int64) * SCALE

    def value(self, means: Floats) -> Floats:
        """Return the mean of F1 over classes that were predicted or are there."""
        hits, either = means[..., 0::3], means[..., 1::3] + means[..., 2::3]
        scores = np.divide(2 * hits, either, out=np.zeros_like(hits), where=either > 0)
        found: Floats = scores.sum(axis=-1) / np.maximum((either > 0).sum(axis=-1), 1)
        return found

    def gradient(self, means: Floats) -> Floats:
        """Return 2 / either by hits and -2 hits / either^2 by each of the others."""
        hits, either = means[..., 0::3], means[..., 1::3] + means[..., 2::3]
        present = np.maximum((either > 0).sum(axis=-1), 1)[..., np.newaxis]
        inverse = np.divide(1.0, either, out=np.zeros_like(either), where=either > 0)
        slopes = np.zeros_like(means)
        slopes[..., 0::3] = 2 * inverse / present
        slopes[..., 1::3] = slopes[..., 2::3] = -2 * hits * inverse**2 / present
        return slopes

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's f1_score over the classes of the labels."""
        from sklearn.metrics import f1_score  # noqa: PLC0415

        classes = classes_of(self.name, truth)
        guesses, weights = predicted_places(classes.names, truth, answers), truth.weights
        if len(classes.names) == BINARY:
            return float(f1_score(classes.places == 1, guesses == 1, sample_weight=weights))
        known = list(range(len(classes.names)))
        found = f1_score(
            classes.places, guesses, labels=known, average="macro", sample_weight=weights
        )
        return float(found)


class LogLoss(ClassMetric):
    """-ln of the probability of the label, clipped to [1e-15, 1 - 1e-15]."""

    name: str = "log_loss"
    direction: Direction = Direction.LOWER
    unit: str = "nats"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return -ln(p of the label) per row; (n, 1)."""
        check_task(self.name, self.tasks, answers)
        few_classes_of(self.name, truth)
        places = probability_columns(self.name, listed(truth.labels), answers)
        chosen = _probabilities(answers)[np.arange(len(places)), places]
        return column(-np.log(np.clip(chosen, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)))

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's log_loss."""
        from sklearn.metrics import log_loss  # noqa: PLC0415

        labels, ordered = _in_order(truth, answers)
        known = list(range(ordered.shape[1]))
        return float(log_loss(labels, ordered, labels=known, sample_weight=truth.weights))


class BrierScore(ClassMetric):
    """Squared distance of the probabilities from the label, summed over classes."""

    name: str = "brier_score"
    direction: Direction = Direction.LOWER
    unit: str = "squared probability"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return the squared distance per row; (n, 1)."""
        check_task(self.name, self.tasks, answers)
        few_classes_of(self.name, truth)
        places = probability_columns(self.name, listed(truth.labels), answers)
        wanted = np.zeros_like(_probabilities(answers))
        wanted[np.arange(len(places)), places] = 1.0
        return column(np.square(_probabilities(answers) - wanted).sum(axis=1))

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's brier_score_loss, not halved."""
        from sklearn.metrics import brier_score_loss  # noqa: PLC0415

        labels, ordered = _in_order(truth, answers)
        known = list(range(ordered.shape[1]))
        found = brier_score_loss(
            labels, ordered, labels=known, scale_by_half=False, sample_weight=truth.weights
        )
        return float(found)


def _probabilities(answers: Answers) -> Floats:
    return np.asarray(answers.probabilities, dtype=np.float64)


def _in_order(truth: Truth, answers: Answers) -> tuple[Any, Floats]:
    """Return labels as columns of the probabilities."""
    labels = probability_columns("scikit-learn", listed(truth.labels), answers)
    return labels, _probabilities(answers)
