"""Outcomes per row by plain functions, (n,) int64 in millionths, and their rounded mean."""

from collections.abc import Sequence

import numpy as np

from experiments.algorithms.metrics.base import (
    SCALE,
    Floats,
    OutcomeError,
    Outcomes,
    to_fixed,
    total,
)
from experiments.algorithms.metrics.classification import LOG_LOSS_CLIP
from experiments.algorithms.metrics.inputs import check_lengths, label_columns


def accuracy(labels: Sequence[object], predictions: Sequence[object]) -> Outcomes:
    """Return 1,000,000 for every row whose prediction equals its label, else 0; shape (n,)."""
    check_lengths(len(labels), len(predictions))
    hits = [label == guess for label, guess in zip(labels, predictions, strict=True)]
    return np.array(hits, dtype=np.int64) * SCALE


def log_loss(
    labels: Sequence[object], probabilities: Floats, classes: Sequence[object]
) -> Outcomes:
    """Return -ln(p of the label) per row, in millionths of a nat. Raises OutcomeError."""
    places = label_columns(labels, probabilities, classes)
    chosen = probabilities[np.arange(len(places)), places]
    return to_fixed(-np.log(np.clip(chosen, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)))


def brier_score(
    labels: Sequence[object], probabilities: Floats, classes: Sequence[object]
) -> Outcomes:
    """Return the squared distance of (n, k) probabilities from the labels. Raises OutcomeError."""
    places = label_columns(labels, probabilities, classes)
    truth = np.zeros_like(probabilities, dtype=np.float64)
    truth[np.arange(len(places)), places] = 1.0
    return to_fixed(np.square(probabilities - truth).sum(axis=1))


def score(outcomes: Outcomes, *, round_up: bool) -> int:
    """Return the mean in millionths, rounded to the side asked for. Raises OutcomeError if empty.

    Who compares two scores rounds the baseline up and the candidate down where higher is better,
    so that the difference of the integers never overstates a gain.
    """
    size = len(outcomes)
    if not size:
        raise OutcomeError("There are no rows.")
    whole = total(outcomes)
    return -(-whole // size) if round_up else whole // size
