"""Metrics of numbers: mean absolute and root mean squared error, R2, Poisson deviance of counts.

Definitions are scikit-learn's.
"""

import numpy as np

from experiments.algorithms.metrics.base import (
    Answers,
    Direction,
    Floats,
    Form,
    Kind,
    MetricBase,
    OutcomeError,
    Outcomes,
    Task,
    Truth,
    column,
    to_fixed,
)
from experiments.algorithms.metrics.inputs import (
    check_rows,
    check_task,
    labels_and_numbers,
    numbers,
)


class NumberMetric(MetricBase):
    """A metric of a regression."""

    tasks: tuple[Task, ...] = (Task.REGRESSION,)
    direction: Direction = Direction.LOWER

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError for labels that are not finite numbers."""
        check_rows(truth)
        numbers(self.name, truth.labels, "a label")

    def _both(self, truth: Truth, answers: Answers) -> tuple[Floats, Floats]:
        check_task(self.name, self.tasks, answers)
        self.check(truth)
        return labels_and_numbers(self.name, truth, answers)


class MeanAbsoluteError(NumberMetric):
    """Mean of |prediction - label|."""

    name: str = "mae"
    unit: str = "label unit"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return |prediction - label| per row; (n, 1)."""
        labels, given = self._both(truth, answers)
        return column(np.abs(given - labels))

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's mean_absolute_error."""
        from sklearn.metrics import mean_absolute_error  # noqa: PLC0415

        labels, given = self._both(truth, answers)
        return float(mean_absolute_error(labels, given, sample_weight=truth.weights))


class RootMeanSquaredError(NumberMetric):
    """Square root of the mean of (prediction - label)^2."""

    name: str = "rmse"
    kind: Kind = Kind.RATIO
    form: Form = Form.SUMS
    unit: str = "label unit"

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return (prediction - label)^2 per row; (n, 1)."""
        labels, given = self._both(truth, answers)
        return column(np.square(given - labels))

    def value(self, means: Floats) -> Floats:
        """Return the root of the mean."""
        return np.sqrt(means[..., 0])

    def gradient(self, means: Floats) -> Floats:
        """Return 1 / (2 root); 0 where there is no error at all."""
        root = np.sqrt(means)
        return np.divide(0.5, root, out=np.zeros_like(root), where=root > 0)

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's root_mean_squared_error."""
        from sklearn.metrics import root_mean_squared_error  # noqa: PLC0415

        labels, given = self._both(truth, answers)
        return float(root_mean_squared_error(labels, given, sample_weight=truth.weights))


class RSquared(NumberMetric):
    """1 - squared error / squared spread of the labels."""

    name: str = "r2"
    direction: Direction = Direction.HIGHER
    kind: Kind = Kind.RATIO
    form: Form = Form.SUMS
    unit: str = "share of variance"

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError also for labels that are all the same."""
        super().check(truth)
        labels = np.asarray(truth.labels, dtype=np.float64)
        if bool((labels == labels[0]).all()):
            raise OutcomeError("All labels are the same number: r2 has no variance to explain.")

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return squared error, label and squared label per row, standardised; (n, 3).

        Labels are centred and scaled by their own mean and deviation, which both models share and
        which R2 does not feel, so that large labels stay exact in fixed point.
        """
        labels, given = self._both(truth, answers)
        spread = labels.std()
        standard, error = (labels - labels.mean()) / spread, (given - labels) / spread
        return to_fixed(np.column_stack([np.square(error), standard, np.square(standard)]))

    def value(self, means: Floats) -> Floats:
        """Return 1 - error / variance; NaN where a resample has no variance."""
        variance = means[..., 2] - np.square(means[..., 1])
        share = np.full_like(variance, np.nan)
        return 1 - np.divide(means[..., 0], variance, out=share, where=variance > 0)

    def gradient(self, means: Floats) -> Floats:
        """Return the derivatives by error, label and squared label."""
        variance = means[..., 2] - np.square(means[..., 1])
        inverse = np.full_like(variance, np.nan)
        np.divide(1.0, variance, out=inverse, where=variance > 0)
        by_variance = means[..., 0] * np.square(inverse)
        return np.stack([-inverse, -2 * means[..., 1] * by_variance, by_variance], axis=-1)

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's r2_score."""
        from sklearn.metrics import r2_score  # noqa: PLC0415

        labels, given = self._both(truth, answers)
        return float(r2_score(labels, given, sample_weight=truth.weights))


class PoissonDeviance(NumberMetric):
    """Mean Poisson deviance of counts: 2 (y ln(y / prediction) - y + prediction)."""

    name: str = "poisson_deviance"
    kind: Kind = Kind.COUNT
    unit: str = "deviance per row"

    def check(self, truth: Truth) -> None:
        """Raises OutcomeError for labels that are not whole numbers from zero."""
        super().check(truth)
        labels = np.asarray(truth.labels, dtype=np.float64)
        if bool((labels < 0).any()) or bool((labels != np.rint(labels)).any()):
            raise OutcomeError("poisson_deviance needs counts: whole numbers, zero or more.")

    def components(self, truth: Truth, answers: Answers) -> Outcomes:
        """Return the deviance per row; (n, 1). Raises OutcomeError for predictions of 0 or less."""
        labels, given = self._both(truth, answers)
        if bool((given <= 0).any()):
            raise OutcomeError("poisson_deviance needs predictions above zero.")
        ratio = np.where(labels > 0, labels, 1.0) / given
        return column(2 * (labels * np.log(ratio) - labels + given))

    def peer(self, truth: Truth, answers: Answers) -> float:
        """Return scikit-learn's mean_poisson_deviance."""
        from sklearn.metrics import mean_poisson_deviance  # noqa: PLC0415

        labels, given = self._both(truth, answers)
        return float(mean_poisson_deviance(labels, given, sample_weight=truth.weights))
