"""Metrics of orders: AUROC of two classes, and NDCG@k of ranked groups.

Definitions are scikit-learn's: tied scores count one half in AUROC and share their gain in NDCG
(McSherry, Najork 2008); gains are the labels themselves, discounts 1 / log2(place + 1).
"""

import numpy as np
import numpy.typing as npt

from experiments.algorithms.metrics.base import (
    Answers,
    Floats,
    Form,
    Kind,
    MetricBase,
    OutcomeError,
    Outcomes,
    Task,
    Truth,
    to_fixed,
)
from experiments.algorithms.metrics.inputs import (
    check_lengths,
    check_rows,
    check_task,
    classes_of,
    label_columns,
    listed,
    numbers,
)

BINARY = 2


class Auroc(MetricBase):
    """Share of pairs, one row of the larger label and one of the other, put in the right order."""

    name: str = "auroc"
    kind: Kind = Kind.RANKING
    form: Form = Form.RANKS
    unit: str = "share of pairs"

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError unless there are exactly two classes."""
        count = len(classes_of(self.name, truth).names)
        if count != BINARY:
            raise OutcomeError(f"auroc needs labels of two classes, not of {count}.")

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return the place of a row's score among all different scores, from 0, and its label as
        0 or 1; (n, 2). These are plain integers, not millionths: only the order counts.
        """
        self.check(truth)
        scores = self._scores(truth, answers)
        _, places = np.unique(scores, return_inverse=True)
        positive = classes_of(self.name, truth).places
        return np.column_stack([places, positive]).astype(np.int64)

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's roc_auc_score."""
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415

        positive, scores = classes_of(self.name, truth).places, self._scores(truth, answers)
        return float(roc_auc_score(positive, scores, sample_weight=truth.weights))

    def _scores(self, truth: Truth, answers: Answers) -> Floats:
        check_task(self.name, (Task.CLASSIFICATION,), answers)
        if answers.probabilities is None:
            raise OutcomeError("auroc needs a probability per class.")
        label_columns(truth.labels, answers.probabilities, answers.classes)
        positive = classes_of(self.name, truth).names[-1]
        place = listed(answers.classes).index(positive)
        return np.asarray(answers.probabilities, dtype=np.float64)[:, place]


class Ndcg(MetricBase):
    """Normalised discounted cumulative gain of the first `k` places, mean over groups."""

    tasks: tuple[Task, ...] = (Task.RANKING,)
    kind: Kind = Kind.RANKING
    form: Form = Form.SUMS
    unit: str = "share of the ideal gain"

    def __init__(self, k: int) -> None:
        """`k`: places that count, from 1."""
        if k < 1:
            raise OutcomeError("ndcg@k needs k of at least 1.")
        self.k = k
        self.name = f"ndcg@{k}"

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError without groups, for groups of one row, or labels below zero."""
        self._groups(truth)

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return NDCG and 1 on the first row of a group, zeros on its others; (n, 2)."""
        check_task(self.name, self.tasks, answers)
        groups, labels = self._groups(truth), numbers(self.name, truth.labels, "a label")
        check_lengths(len(labels), len(answers.prediction))
        scores = numbers(self.name, answers.prediction, "a prediction")
        parts = np.zeros((len(labels), 2))
        for rows in groups:
            parts[rows[0]] = (_ndcg(labels[rows], scores[rows], self.k), 1.0)
        return to_fixed(parts)

    def value(self, means: Floats) -> Floats:
        """Return gain over groups; NaN where a resample has none."""
        share = np.full_like(means[..., 0], np.nan)
        return np.divide(means[..., 0], means[..., 1], out=share, where=means[..., 1] > 0)

    def gradient(self, means: Floats) -> Floats:
        """Return 1 / groups by gain and -gain / groups^2 by groups."""
        inverse = np.full_like(means[..., 1], np.nan)
        np.divide(1.0, means[..., 1], out=inverse, where=means[..., 1] > 0)
        return np.stack([inverse, -means[..., 0] * np.square(inverse)], axis=-1)

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return the mean of scikit-learn's ndcg_score over groups."""
        from sklearn.metrics import ndcg_score  # noqa: PLC0415

        labels = numbers(self.name, truth.labels, "a label")
        scores = numbers(self.name, answers.prediction, "a prediction")
        groups = self._groups(truth)
        found = [ndcg_score([labels[rows]], [scores[rows]], k=self.k) for rows in groups]
        weights = None if truth.weights is None else [truth.weights[rows[0]] for rows in groups]
        return float(np.average(found, weights=weights))

    def _groups(self, truth: Truth) -> list[npt.NDArray[np.intp]]:
        check_rows(truth)
        if truth.groups is None:
            raise OutcomeError(f"{self.name} needs a group for every row.")
        if bool((numbers(self.name, truth.labels, "a label") < 0).any()):
            raise OutcomeError(f"{self.name} needs labels of zero or more.")
        order = np.argsort(truth.groups, kind="stable")
        cuts = np.flatnonzero(np.diff(np.asarray(truth.groups)[order])) + 1
        groups = np.split(order, cuts)
        if min(len(rows) for rows in groups) < 2:  # noqa: PLR2004
            raise OutcomeError(f"{self.name} needs at least two rows in every group.")
        if truth.weights is not None:
            _check_group_weights(truth.weights, groups)
        return groups


def _check_group_weights(weights: Floats, groups: list[npt.NDArray[np.intp]]) -> None:
    for rows in groups:
        if bool((weights[rows] != weights[rows[0]]).any()):
            raise OutcomeError("The rows of a group need one weight.")


def _ndcg(labels: Floats, scores: Floats, k: int) -> float:
    ideal = _gain(labels, labels, k)
    return _gain(labels, scores, k) / ideal if ideal > 0 else 0.0


def _gain(labels: Floats, scores: Floats, k: int) -> float:
    discounts = 1 / np.log2(np.arange(len(labels)) + 2.0)
    discounts[k:] = 0.0
    _, places, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.bincount(places, weights=labels) / counts
    ends = np.cumsum(counts)
    cumulated = np.concatenate([[0.0], np.cumsum(discounts)])
    return float(shared @ (cumulated[ends] - cumulated[ends - counts]))


def auroc_of(components: Outcomes, weights: Floats | None = None) -> float:
    """Return the (weighted) AUROC of (n, 2) places and labels; NaN with one class only."""
    shares = placements(components, weights)
    if shares is None:
        return float("nan")
    positive = components[:, 1] > 0
    mass = np.ones(len(components)) if weights is None else weights
    return float(np.average(shares[positive], weights=mass[positive]))


def placements(components: Outcomes, weights: Floats | None = None) -> Floats | None:
    """Return per row the weighted share of the other class that it is in the right order with.

    (n,) float64; None where a class has no weight. DeLong, DeLong, Clarke-Pearson 1988, formula
    (4), computed over places in the order of scores as in Sun, Xu 2014.
    """
    mass = np.ones(len(components)) if weights is None else weights
    positive, places = components[:, 1] > 0, components[:, 0]
    size = int(places.max()) + 1
    above = np.bincount(places[positive], weights=mass[positive], minlength=size)
    below = np.bincount(places[~positive], weights=mass[~positive], minlength=size)
    if not above.sum() > 0 or not below.sum() > 0:
        return None
    beaten = (np.cumsum(below) - below / 2) / below.sum()
    beating = 1 - (np.cumsum(above) - above / 2) / above.sum()
    found: Floats = np.where(positive, beaten[places], beating[places])
    return found
