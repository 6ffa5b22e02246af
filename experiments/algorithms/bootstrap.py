"""Studentised bootstrap of the mean of paired differences (Efron, Tibshirani 1993, chapter 12).

A quantile needs resamples beyond it. Where fewer than `TAIL_COUNT` lie beyond, Student's t takes
over, widened by what the bootstrap says at the last quantile it can still estimate.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

RESAMPLES = 10_000
TAIL_COUNT = 10
CHUNK_CELLS = 1 << 20

Floats = npt.NDArray[np.float64]


class BootstrapError(ValueError):
    """The differences or the level cannot be used."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The mean of (n,) differences, its standard error, and the sorted t of every resample.

    When all differences are equal there is nothing to resample: `t_values` is empty and the
    standard error 0. Then the sign-flip test answers: its p is 2**-n, and every bound at a level
    that n rows can reach is the mean itself.
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
        """Return the one-sided lower bound of the mean at level 1 - alpha."""
        if not len(self.t_values):
            return self.mean if 0.5**self.n <= alpha else -math.inf
        return self.mean - _upper_quantile(self.t_values, alpha, self.n) * self.standard_error

    def upper(self, alpha: float) -> float:
        """Return the one-sided upper bound of the mean at level 1 - alpha."""
        mirrored = Bootstrap(self.n, -self.mean, self.standard_error, -self.t_values[::-1])
        return -mirrored.lower(alpha)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the two-sided interval at level 1 - alpha."""
        return self.lower(alpha / 2), self.upper(alpha / 2)

    def p_greater(self, margin: float) -> float:
        """Return the one-sided p of H0: mean <= margin, the inversion of `lower`."""
        if not len(self.t_values):
            return 0.5**self.n if self.mean > margin else 1.0
        observed = (self.mean - margin) / self.standard_error
        size = len(self.t_values)
        beyond = size - int(np.searchsorted(self.t_values, observed, side="left"))
        counted = (beyond + 1) / (size + 1)
        if beyond > TAIL_COUNT:
            return counted
        widening = _widening(self.t_values, self.n)
        return min(counted, float(stdtr(self.n - 1, -observed / widening)))


def resample_mean(
    differences: npt.NDArray[np.int64] | Floats, *, seed: int, resamples: int = RESAMPLES
) -> Bootstrap:
    """Resample (n,) paired differences, candidate minus baseline, with PCG64 from `seed`.

    Memory stays near 20 MB whatever the number of rows below a million; the result does not
    depend on how the work is cut into pieces.

    Raises:
        BootstrapError: fewer than two rows, a value that is not finite, or too few resamples.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:  # noqa: PLR2004
        raise BootstrapError("The bootstrap needs at least two differences.")
    if not bool(np.isfinite(values).all()):
        raise BootstrapError("A difference is not a finite number.")
    if resamples < 100 * TAIL_COUNT:
        raise BootstrapError(f"At least {100 * TAIL_COUNT} resamples are needed.")
    mean = float(values.mean())
    if bool((values == values[0]).all()):
        return Bootstrap(len(values), float(values[0]), 0.0, np.empty(0))
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return Bootstrap(len(values), mean, error, _t_values(values - mean, seed, resamples))


def _t_values(centred: Floats, seed: int, resamples: int) -> Floats:
    """Return the sorted t statistics of resamples of differences whose mean is zero."""
    size = len(centred)
    generator = np.random.Generator(np.random.PCG64(seed))
    statistics = np.empty(resamples)
    step = max(1, CHUNK_CELLS // size)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = centred[generator.integers(0, size, size=(count, size), dtype=np.int64)]
        means = drawn.mean(axis=1)
        squares = np.einsum("ij,ij->i", drawn, drawn)
        variances = np.maximum(squares - size * means**2, 0) / (size - 1)
        statistics[start : start + count] = _studentise(means, variances / size)
    statistics.sort()
    return statistics


def _studentise(means: Floats, squared_errors: Floats) -> Floats:
    # A resample that repeats one value has no spread: its t is infinite, or zero at the mean.
    far = np.where(means == 0, 0.0, np.copysign(np.inf, means))
    safe = np.where(squared_errors > 0, squared_errors, 1.0)
    return np.where(squared_errors > 0, means / np.sqrt(safe), far)


def _upper_quantile(t_values: Floats, alpha: float, n: int) -> float:
    if not 0 < alpha <= 0.5:  # noqa: PLR2004
        raise BootstrapError("alpha must lie in (0, 0.5].")
    size = len(t_values)
    beyond = math.floor(alpha * (size + 1)) - 1
    if beyond >= TAIL_COUNT:
        return float(t_values[size - 1 - beyond])
    last = float(t_values[size - 1 - TAIL_COUNT])
    return max(last, -float(stdtrit(n - 1, alpha)) * _widening(t_values, n))


def _widening(t_values: Floats, n: int) -> float:
    """Return how much wider than Student's t the resamples are, at least 1."""
    size = len(t_values)
    last = float(t_values[size - 1 - TAIL_COUNT])
    return max(1.0, last / -float(stdtrit(n - 1, (TAIL_COUNT + 1) / (size + 1))))
