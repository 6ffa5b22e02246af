"""The gain as a function of sums over units: its value, its slopes and its influence values.

Sums are `[weight, baseline…, candidate…]` in natural units. Influence values are the slopes times a
unit (Davison, Hinkley 1997, section 2.7.2); they sum to zero.
"""

import math
from dataclasses import dataclass

import numpy as np

from experiments.algorithms.metrics.base import SCALE, Floats, Metric, Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Candidate's score minus baseline's, times the metric's sign; `p` components a side."""

    metric: Metric
    p: int

    def value(self, sums: Floats) -> Floats:
        """Return (...,) gains in natural units from (..., 1 + 2 p) sums; NaN if undefined."""
        before, after = self._means(sums)
        found: Floats = self.metric.sign * (self.metric.value(after) - self.metric.value(before))
        return found

    def slopes(self, sums: Floats) -> Floats:
        """Return (..., 1 + 2 p) derivatives of the gain by each sum."""
        before, after = self._means(sums)
        down, up = self.metric.gradient(before), self.metric.gradient(after)
        by_weight = (down * before).sum(axis=-1) - (up * after).sum(axis=-1)
        joined = np.concatenate([by_weight[..., np.newaxis], -down, up], axis=-1)
        found: Floats = self.metric.sign * joined / sums[..., :1]
        return found

    def _means(self, sums: Floats) -> tuple[Floats, Floats]:
        means = sums[..., 1:] / sums[..., :1]
        return means[..., : self.p], means[..., self.p :]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Units in natural units, (N, 1 + 2 p), with the gain, its influence values and its error."""

    difference: Difference
    units: Floats
    gain: float
    influence: Floats

    @property
    def size(self) -> int:
        """Units."""
        return len(self.units)

    @property
    def standard_error(self) -> float:
        """Standard error of the gain by influence values, with N - 1 in place of N."""
        spread = float(self.influence @ self.influence)
        return math.sqrt(spread * self.size / (self.size - 1))

    @property
    def is_constant(self) -> bool:
        """Whether every unit says the same, so that there is nothing to resample."""
        scale = float(np.abs(self.units[:, 1:]).max()) / float(self.units[:, 0].sum())
        return bool(np.abs(self.influence).max() <= 1e-12 * max(scale, 1e-300))


def sample_of(metric: Metric, units: Outcomes) -> Sample:
    """Return the sample of (N, 1 + 2 p) integer units."""
    natural = units / SCALE
    difference = Difference(metric, (units.shape[1] - 1) // 2)
    sums = natural.sum(axis=0)
    with np.errstate(all="ignore"):
        gain = float(difference.value(sums))
        influence = natural @ difference.slopes(sums)
    return Sample(difference, natural, gain, influence)
