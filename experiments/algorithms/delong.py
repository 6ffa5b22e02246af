"""Difference of two correlated areas under the ROC curve, on the same rows.

DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44:837-845; computed over the order of scores as in
Sun, Xu 2014, IEEE Signal Processing Letters 21:1389-1393. With clusters the variance sums what a
cluster's rows say together: Obuchowski 1997, Biometrics 53:567-578. Weights count a row that many
times in the areas; its cluster stays one unit. Bounds and p invert Student's t on the smaller
number of units that hold a class, less one, which is wider than the normal of the sources.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr, stdtrit

from experiments.algorithms.metrics.base import Floats, OutcomeError, Outcomes
from experiments.algorithms.metrics.ranking import placements


@dataclass(frozen=True, slots=True)
class AreaDifference:
    """Areas of both models, the gain, its standard error and the units of the rarer class."""

    baseline: float
    candidate: float
    mean: float
    standard_error: float
    n: int

    @property
    def method(self) -> str:
        """Name of the method that bounds and p values come from."""
        return "delong" if self.standard_error > 0 else "constant-difference"

    def lower(self, alpha: float) -> float:
        """Return the one-sided lower bound of the gain at level 1 - alpha."""
        if not self.standard_error > 0:
            return self.mean if 0.5**self.n <= alpha else -math.inf
        return self.mean + float(stdtrit(self.n - 1, alpha)) * self.standard_error

    def upper(self, alpha: float) -> float:
        """Return the one-sided upper bound of the gain at level 1 - alpha."""
        if not self.standard_error > 0:
            return self.mean if 0.5**self.n <= alpha else math.inf
        return self.mean - float(stdtrit(self.n - 1, alpha)) * self.standard_error

    def p_greater(self, margin: float) -> float:
        """Return the one-sided p of H0: gain <= margin."""
        if not self.standard_error > 0:
            return 0.5**self.n if self.mean > margin else 1.0
        return float(stdtr(self.n - 1, -(self.mean - margin) / self.standard_error))

    def p_less(self, margin: float) -> float:
        """Return the one-sided p of H0: gain >= margin."""
        if not self.standard_error > 0:
            return 0.5**self.n if self.mean < margin else 1.0
        return float(stdtr(self.n - 1, (self.mean - margin) / self.standard_error))

    def p_normal(self) -> float:
        """Return the two-sided p of no difference by the normal, as the sources state it."""
        return 2 * float(ndtr(-abs(self.mean) / self.standard_error))


def area_difference(
    baseline: Outcomes,
    candidate: Outcomes,
    weights: Floats | None = None,
    clusters: npt.NDArray[np.intp] | None = None,
) -> AreaDifference:
    """Compare two (n, 2) arrays of places and labels of the same rows.

    Raises OutcomeError where one class has no weight, or either class lies in a single unit.
    """
    before, after = placements(baseline, weights), placements(candidate, weights)
    if before is None or after is None:
        raise OutcomeError("All rows are of one class: auroc needs two.")
    mass = np.ones(len(baseline)) if weights is None else np.asarray(weights, dtype=np.float64)
    positive = baseline[:, 1] > 0
    gains = after - before
    areas = [float(np.average(one[positive], weights=mass[positive])) for one in (before, after)]
    gain = float(np.average(gains[positive], weights=mass[positive]))
    error, units = _error(mass * (gains - gain), mass, positive, clusters)
    return AreaDifference(areas[0], areas[1], gain, error, units)


def _error(
    deviations: Floats,
    mass: Floats,
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.intp] | None,
) -> tuple[float, int]:
    """Return the standard error by Obuchowski 1997, and the units of the rarer class.

    With one row per unit the product term is zero and DeLong's variance remains.
    """
    codes = (
        np.arange(len(mass)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    )
    size, total = int(codes.max()) + 1, 0.0
    sums, counts = [], []
    for rows in (positive, ~positive):
        held = len(np.unique(codes[rows & (mass > 0)]))
        if held < 2:  # noqa: PLR2004
            raise OutcomeError("auroc needs rows of each class in at least two units.")
        held_sums = np.bincount(codes[rows], weights=deviations[rows], minlength=size)
        share = held_sums / mass[rows].sum()
        total += held / (held - 1) * float(share @ share)
        sums.append(share)
        counts.append(held)
    total += 2 * size / (size - 1) * float(sums[0] @ sums[1])
    # Areas that agree everywhere leave nothing but rounding.
    error = math.sqrt(total) if total > 1e-24 else 0.0  # noqa: PLR2004
    return error, min(counts)
