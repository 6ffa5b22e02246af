"""What a metric is: how rows become integers, and how their means become a score.

A metric turns every row into `p` integers in millionths (its components). A score is a function of
the weighted means of the components, so that a resample or a cluster needs only sums. Integers let
a verifier repeat every number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

SCALE = 1_000_000
MAX_OUTCOME = 2**53
MINIMUM_UNITS = 30
GRADIENT_STEP = 1e-6

Outcomes: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


class OutcomeError(ValueError):
    """Outcomes cannot be computed or used: lengths, missing values or values out of range."""


class Direction(StrEnum):
    """Which way a metric gets better."""

    HIGHER = "higher"
    LOWER = "lower"


class Kind(StrEnum):
    """What a score is made of: shares of rows, means, counts, functions of sums, or orders."""

    PROPORTION = "proportion"
    CONTINUOUS = "continuous"
    COUNT = "count"
    RATIO = "ratio"
    RANKING = "ranking"


class Task(StrEnum):
    """What a model is asked for."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    RANKING = "ranking"


class Form(StrEnum):
    """How a score follows from the components of its rows.

    `MEAN`: the weighted mean of the only component. `SUMS`: `Metric.value` of the weighted means.
    `RANKS`: two components, a row's place in the order of scores and its label; AUROC.
    """

    MEAN = "mean"
    SUMS = "sums"
    RANKS = "ranks"


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is right: `labels` (n,); `weights` (n,) float64 >= 0; `groups` (n,) intp, the query
    that a row of a ranking belongs to.
    """

    labels: Sequence[Any] | npt.NDArray[Any]
    weights: Floats | None = None
    groups: npt.NDArray[np.intp] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model said: `prediction` (n,) classes, numbers or scores of a ranking;
    `probabilities` (n, k) in the order of `classes`.
    """

    task: Task
    prediction: Sequence[Any] | npt.NDArray[Any]
    classes: Sequence[Any] = ()
    probabilities: Floats | None = None


@runtime_checkable
class Metric(Protocol):
    """A metric with its direction and unit fixed. Registered Python metrics keep to this too."""

    name: str
    tasks: tuple[Task, ...]
    direction: Direction
    kind: Kind
    form: Form
    unit: str

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1."""

    def minimum(self) -> int:
        """Return the fewest rows (groups of a ranking) that can show anything."""

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError where the metric does not fit the labels."""

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return (n, p) int64 in millionths, in row order. Raises OutcomeError."""

    def value(self, means: Floats) -> Floats:
        """Return (...,) scores in natural units from (..., p) weighted means of components."""

    def gradient(self, means: Floats) -> Floats:
        """Return (..., p) derivatives of `value` by each mean."""

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return the score as scikit-learn computes it."""


class MetricBase:
    """What metrics share; a mean of one component unless a subclass says otherwise."""

    name: str = ""
    tasks: tuple[Task, ...] = (Task.CLASSIFICATION,)
    direction: Direction = Direction.HIGHER
    kind: Kind = Kind.CONTINUOUS
    form: Form = Form.MEAN
    unit: str = ""

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1: a difference times the sign is positive when better."""
        return 1 if self.direction == Direction.HIGHER else -1

    def minimum(self) -> int:
        """Return the fewest rows (groups of a ranking) that can show anything."""
        return MINIMUM_UNITS

    def value(self, means: Floats) -> Floats:
        """Return the only mean."""
        return means[..., 0]

    def gradient(self, means: Floats) -> Floats:
        """Return central differences of `value`; for the only mean, one."""
        if self.form == Form.MEAN:
            return np.ones_like(means)
        slopes = np.empty_like(means)
        for place in range(means.shape[-1]):
            step = GRADIENT_STEP * np.maximum(1.0, np.abs(means[..., place]))
            above, below = means.copy(), means.copy()
            above[..., place] += step
            below[..., place] -= step
            slopes[..., place] = (self.value(above) - self.value(below)) / (2 * step)
        return slopes


def to_fixed(values: Floats) -> Outcomes:
    """Round float64 to integer millionths, half to even. Raises OutcomeError for NaN."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * SCALE)
    if bool(np.isnan(scaled).any()):
        raise OutcomeError("An outcome is not a number, or too large.")
    if not bool(np.all(np.abs(scaled) < MAX_OUTCOME)):
        raise OutcomeError(
            "An outcome is not a number, or too large: state labels in a larger unit."
        )
    return scaled.astype(np.int64)


def column(values: Floats) -> Outcomes:
    """Return (n,) float64 as one component, (n, 1) int64."""
    return to_fixed(values)[:, np.newaxis]
