"""Per-row outcomes as integers in millionths, and scores computed from them alone.

Integers let a verifier repeat every number bit for bit. A score is the mean of the outcomes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SCALE = 1_000_000
LOG_LOSS_CLIP = 1e-15
MAX_OUTCOME = 2**53

Outcomes: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


class OutcomeError(ValueError):
    """Outcomes cannot be computed or used: lengths, missing values or values out of range."""


class Direction(StrEnum):
    """Which way a metric gets better."""

    HIGHER = "higher"
    LOWER = "lower"


class Kind(StrEnum):
    """Whether a row's outcome is 0 or 1, or any value."""

    PROPORTION = "proportion"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Metric:
    """How a metric is read: its better direction, its kind of outcomes and its unit."""

    direction: Direction
    kind: Kind
    unit: str

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1: a difference times the sign is positive when better."""
        return 1 if self.direction == Direction.HIGHER else -1


METRICS: dict[str, Metric] = {
    "accuracy": Metric(Direction.HIGHER, Kind.PROPORTION, "share of rows"),
    "log_loss": Metric(Direction.LOWER, Kind.CONTINUOUS, "nats"),
    "brier_score": Metric(Direction.LOWER, Kind.CONTINUOUS, "squared probability"),
    "absolute_error": Metric(Direction.LOWER, Kind.CONTINUOUS, "label unit"),
    "squared_error": Metric(Direction.LOWER, Kind.CONTINUOUS, "label unit squared"),
}


def accuracy(labels: Sequence[object], predictions: Sequence[object]) -> Outcomes:
    """Return 1,000,000 for every row whose prediction equals its label, else 0; shape (n,)."""
    _check_lengths(len(labels), len(predictions))
    hits = [label == guess for label, guess in zip(labels, predictions, strict=True)]
    return np.array(hits, dtype=np.int64) * SCALE


def log_loss(
    labels: Sequence[object], probabilities: Floats, classes: Sequence[object]
) -> Outcomes:
    """Return -ln(p of the label) per row, in millionths of a nat, rounded half to even.

    Args:
        labels: (n,) values, each one of `classes`.
        probabilities: (n, k) in the order of `classes`; clipped to [1e-15, 1 - 1e-15].
        classes: (k,) different values.

    Raises:
        OutcomeError: a label without a class, a wrong shape, NaN, or a value outside [0, 1].
    """
    places = _label_places(labels, probabilities, classes)
    chosen = probabilities[np.arange(len(places)), places]
    return to_fixed(-np.log(np.clip(chosen, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)))


def brier_score(
    labels: Sequence[object], probabilities: Floats, classes: Sequence[object]
) -> Outcomes:
    """Return the squared distance of (n, k) probabilities from the labels. Raises OutcomeError."""
    places = _label_places(labels, probabilities, classes)
    truth = np.zeros_like(probabilities, dtype=np.float64)
    truth[np.arange(len(places)), places] = 1.0
    return to_fixed(np.square(probabilities - truth).sum(axis=1))


def absolute_error(labels: Floats, predictions: Floats) -> Outcomes:
    """Return |prediction - label| per row; both (n,) float64. Raises OutcomeError."""
    _check_lengths(len(labels), len(predictions))
    return to_fixed(np.abs(np.asarray(predictions) - np.asarray(labels)))


def squared_error(labels: Floats, predictions: Floats) -> Outcomes:
    """Return (prediction - label)^2 per row; both (n,) float64. Raises OutcomeError."""
    _check_lengths(len(labels), len(predictions))
    return to_fixed(np.square(np.asarray(predictions) - np.asarray(labels)))


def to_fixed(values: Floats) -> Outcomes:
    """Round (n,) float64 to integer millionths, half to even. Raises OutcomeError for NaN."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * SCALE)
    if not bool(np.all(np.abs(scaled) < MAX_OUTCOME)):
        raise OutcomeError("An outcome is not a number, or too large.")
    return scaled.astype(np.int64)


def total(outcomes: Outcomes) -> int:
    """Return the exact sum of the outcomes as a Python integer."""
    values = np.asarray(outcomes, dtype=np.int64)
    # Two halves of 32 bits each cannot overflow an int64 sum below two billion rows.
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


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


def _check_lengths(labels: int, predictions: int) -> None:
    if labels != predictions:
        raise OutcomeError(f"{labels} labels, but {predictions} predictions.")
    if not labels:
        raise OutcomeError("There are no rows.")


def _label_places(
    labels: Sequence[object], probabilities: Floats, classes: Sequence[object]
) -> npt.NDArray[np.intp]:
    _check_lengths(len(labels), len(probabilities))
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):  # noqa: PLR2004
        raise OutcomeError("The probabilities need one column per class.")
    if not bool(np.all((probabilities >= 0) & (probabilities <= 1))):
        raise OutcomeError("A probability is not a number, or outside [0, 1].")
    places = {value: place for place, value in enumerate(classes)}
    if len(places) != len(classes):
        raise OutcomeError("A class is given twice.")
    if unknown := set(labels) - places.keys():
        raise OutcomeError(f"A label has no class: {next(iter(unknown))!r}.")
    return np.array([places[label] for label in labels], dtype=np.intp)
