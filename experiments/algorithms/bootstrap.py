"""Studentised bootstrap of a mean or of a gain over units (Efron, Tibshirani 1993, chapter 12).

A quantile needs resamples beyond it. Where fewer than `TAIL_COUNT` lie beyond, Student's t takes
over, widened by what the bootstrap says at the last quantile it can still estimate. Student's t is
also the nearest that a bound may come: skewness that a sample shows by chance would otherwise help
the very gain that it came with (simulated: 3.4 % instead of 2.5 % false accepts with weights).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from experiments.algorithms.differences import Sample
from experiments.algorithms.draws import SHARED, block_bits
from experiments.algorithms.metrics.base import Floats, Form
from experiments.algorithms.paired import Discordant
from experiments.algorithms.resampling import (
    RESAMPLES,
    T_DECIMALS,
    t_values_of_mean,
    t_values_of_units,
)

TAIL_COUNT = 10


class BootstrapError(ValueError):
    """The differences or the level cannot be used."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A gain over n units, its standard error, and the sorted t of every resample, NaN last.

    When all units say the same there is nothing to resample: `t_values` is empty and the standard
    error 0. Then the sign-flip test answers: its p is 2**-n, and every bound at a level that n
    units can reach is the gain itself. A resample without a score counts as far out on both sides.
    """

    n: int
    mean: float
    standard_error: float
    t_values: Floats

    @property
    def method(self) -> str:
        """Name of the method that bounds and p values come from."""
        return "studentised-bootstrap" if len(self.t_values) else "constant-difference"

    def lower(self, alpha: float) -> float:
        """Return the one-sided lower bound of the gain at level 1 - alpha."""
        if not len(self.t_values):
            return self.mean if 0.5**self.n <= alpha else -math.inf
        return self.mean - _upper_quantile(self.t_values, alpha, self.n) * self.standard_error

    def upper(self, alpha: float) -> float:
        """Return the one-sided upper bound of the gain at level 1 - alpha."""
        return -self._mirrored().lower(alpha)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided interval at level 1 - alpha."""
        return self.lower(alpha / 2), self.upper(alpha / 2)

    def p_greater(self, margin: float) -> float:
        """Return the one-sided p of H0: gain <= margin, the inversion of `lower`."""
        if not len(self.t_values):
            return 0.5**self.n if self.mean > margin else 1.0
        observed = round((self.mean - margin) / self.standard_error, T_DECIMALS)
        size = len(self.t_values)
        beyond = size - int(np.searchsorted(self.t_values, observed, side="left"))
        seen = (beyond + 1) / (size + 1)
        if beyond <= TAIL_COUNT:
            seen = self._tail(observed, seen)
        return max(seen, float(stdtr(self.n - 1, -observed)))

    def p_less(self, margin: float) -> float:
        """Return the one-sided p of H0: gain >= margin, the inversion of `upper`."""
        return self._mirrored().p_greater(-margin)

    def _tail(self, observed: float, counted: float) -> float:
        widening = _widening(self.t_values, self.n)
        if math.isinf(widening):
            return (TAIL_COUNT + 1) / (len(self.t_values) + 1)
        return min(counted, float(stdtr(self.n - 1, -observed / widening)))

    def _mirrored(self) -> "Bootstrap":
        return Bootstrap(self.n, -self.mean, self.standard_error, np.sort(-self.t_values))


def resample_mean(
    differences: npt.NDArray[np.int64] | Floats, *, seed: int, resamples: int = RESAMPLES
) -> Bootstrap:
    """Resample (n,) paired differences, candidate minus baseline, after sorting them.

    Memory stays below a megabyte beyond the differences; the result depends neither on their order
    nor on how the work is cut.

    Raises:
        BootstrapError: fewer than two rows, a value that is not finite, or too few resamples.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:  # noqa: PLR2004
        raise BootstrapError("The bootstrap needs at least two differences.")
    if not bool(np.isfinite(values).all()):
        raise BootstrapError("A difference is not a finite number.")
    return _mean(np.sort(values), seed, resamples)


def resample_units(sample: Sample, *, seed: int, resamples: int = RESAMPLES) -> Bootstrap:
    """Resample the units of a sample; the gain is in natural units. Raises BootstrapError."""
    if sample.size < 2 or not math.isfinite(sample.gain):  # noqa: PLR2004
        raise BootstrapError("The bootstrap needs two units and a gain that is a number.")
    if sample.is_constant:
        return Bootstrap(sample.size, sample.gain, 0.0, np.empty(0))
    weights = sample.units[:, 0]
    if sample.difference.metric.form == Form.MEAN and bool((weights == weights[0]).all()):
        gains = sample.difference.metric.sign * (sample.units[:, 2] - sample.units[:, 1])
        return _mean(gains / weights[0], seed, resamples)
    _check_resamples(resamples)
    t_values = t_values_of_units(sample, seed, resamples)
    return Bootstrap(sample.size, sample.gain, sample.standard_error, t_values)


def resample_counts(counts: Discordant, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Return the sorted differences of resamples of n paired rows of 0 and 1, by multinomial.

    Resampling rows is drawing how many of them are won, lost and equal, so that the cost does not
    depend on n. For a look at the spread; decisions on 0/1 use Tango's score.
    """
    lost, won = counts.b / counts.n, counts.c / counts.n
    shares = [lost, won, max(0.0, 1 - lost - won)]
    drawn = np.random.Generator(block_bits(seed, 0)).multinomial(counts.n, shares, size=resamples)
    found: Floats = np.sort((drawn[:, 1] - drawn[:, 0]) / counts.n)
    return found


def _mean(values: Floats, seed: int, resamples: int) -> Bootstrap:
    _check_resamples(resamples)
    if bool((values == values[0]).all()):
        return Bootstrap(len(values), float(values[0]), 0.0, np.empty(0))
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Bootstrap(len(values), mean, error, t_values_of_mean(values - mean, seed, resamples))


def _check_resamples(resamples: int) -> None:
    if resamples < 100 * TAIL_COUNT or resamples % SHARED:
        raise BootstrapError(f"Resamples come in fours, at least {100 * TAIL_COUNT} of them.")


def _upper_quantile(t_values: Floats, alpha: float, n: int) -> float:
    if not 0 < alpha <= 0.5:  # noqa: PLR2004
        raise BootstrapError("alpha must lie in (0, 0.5].")
    size = len(t_values)
    beyond, student = math.floor(alpha * (size + 1)) - 1, -float(stdtrit(n - 1, alpha))
    if beyond >= TAIL_COUNT:
        return max(student, _finite_or_far(t_values[size - 1 - beyond]))
    last = _finite_or_far(t_values[size - 1 - TAIL_COUNT])
    return max(last, student * _widening(t_values, n))


def _widening(t_values: Floats, n: int) -> float:
    """Return how much wider than Student's t the resamples are, at least 1."""
    size = len(t_values)
    last = _finite_or_far(t_values[size - 1 - TAIL_COUNT])
    return max(1.0, last / -float(stdtrit(n - 1, (TAIL_COUNT + 1) / (size + 1))))


def _finite_or_far(value: np.float64) -> float:
    return math.inf if math.isnan(value) else float(value)
