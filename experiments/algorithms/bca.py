"""Bias-corrected and accelerated bootstrap (Efron 1987; Efron, Tibshirani 1993, chapter 14).

The acceleration comes from influence values. Beyond the last quantile that the resamples can show,
the bound moves on along the normal, at the scale of that quantile.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from experiments.algorithms.bootstrap import BootstrapError
from experiments.algorithms.differences import Sample
from experiments.algorithms.metrics.base import Floats
from experiments.algorithms.resampling import RESAMPLES, gains_of_units

TAIL_COUNT = 10
BISECTIONS = 60
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Accelerated:
    """A gain in natural units, the sorted gains of resamples, bias correction and acceleration."""

    mean: float
    gains: Floats
    bias: float
    acceleration: float

    @property
    def method(self) -> str:
        """Name of the method that bounds and p values come from."""
        return "bca-bootstrap"

    def lower(self, alpha: float) -> float:
        """Return the one-sided lower bound of the gain at level 1 - alpha."""
        if not 0 < alpha <= 0.5:  # noqa: PLR2004
            raise BootstrapError("alpha must lie in (0, 0.5].")
        shifted = self.bias + float(ndtri(alpha))
        slant = 1 - self.acceleration * shifted
        # Where the acceleration turns the scale around there is no bound.
        return self._quantile(self.bias + shifted / slant) if slant > 0 else -math.inf

    def upper(self, alpha: float) -> float:
        """Return the one-sided upper bound of the gain at level 1 - alpha."""
        return -self._mirrored().lower(alpha)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided interval at level 1 - alpha."""
        return self.lower(alpha / 2), self.upper(alpha / 2)

    def p_greater(self, margin: float) -> float:
        """Return the one-sided p of H0: gain <= margin: the level at which `lower` meets it."""
        if self.lower(0.5) <= margin:
            return 1 - self._mirrored().p_greater(-margin) if self.upper(0.5) < margin else 0.5
        low, high = math.log(SMALLEST), math.log(0.5)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.lower(math.exp(middle)) > margin else (middle, high)
        return math.exp(high)

    def p_less(self, margin: float) -> float:
        """Return the one-sided p of H0: gain >= margin."""
        return self._mirrored().p_greater(-margin)

    def _mirrored(self) -> "Accelerated":
        return Accelerated(-self.mean, -self.gains[::-1], -self.bias, -self.acceleration)

    def _quantile(self, z: float) -> float:
        """Return the resamples' quantile at Phi(z)."""
        size = len(self.gains)
        place = float(ndtr(z)) * (size + 1) - 1
        first, last = TAIL_COUNT - 1, size - TAIL_COUNT
        if first <= place <= last:
            return float(np.interp(place, [math.floor(place), math.ceil(place)], self._near(place)))
        edge = first if place < first else last
        scale = float(ndtri((edge + 1) / (size + 1))) - self.bias
        return self.mean + (float(self.gains[edge]) - self.mean) * (z - self.bias) / scale

    def _near(self, place: float) -> list[float]:
        return [float(self.gains[math.floor(place)]), float(self.gains[math.ceil(place)])]


def accelerate(sample: Sample, *, seed: int, resamples: int = RESAMPLES) -> Accelerated:
    """Resample units and correct for bias and skewness.

    Raises BootstrapError where all units say the same, or a resample has no score.
    """
    if sample.is_constant:
        raise BootstrapError("All units say the same; there is nothing to resample.")
    gains = gains_of_units(sample, seed, resamples)
    if not bool(np.isfinite(gains).all()):
        raise BootstrapError("A resample has no score; BCa cannot order it.")
    below = np.searchsorted(gains, sample.gain, side="left")
    not_above = np.searchsorted(gains, sample.gain, side="right")
    bias = float(ndtri(float(below + not_above) / 2 / len(gains)))
    if not math.isfinite(bias):
        raise BootstrapError("All resamples lie on one side of the gain.")
    return Accelerated(sample.gain, gains, bias, acceleration_of(sample.influence))


def acceleration_of(influence: Floats) -> float:
    """Return a sixth of the skewness of the influence values (Efron, Tibshirani 1993, (14.15))."""
    return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))
