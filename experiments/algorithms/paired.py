"""Paired 0/1 outcomes: McNemar's mid-p test and Tango's score interval.

Sources: Fagerland, Lydersen, Laake (2013), BMC Medical Research Methodology 13:91, mid-p;
Tango (1998), Statistics in Medicine 17:891-908, score test and interval of the difference.
The difference is candidate minus baseline: (c - b) / n.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc, ndtr, ndtri

BISECTIONS = 80


class PairedError(ValueError):
    """The counts or the level cannot be used."""


@dataclass(frozen=True, slots=True)
class Discordant:
    """Rows that only the baseline got right (b), only the candidate got right (c), all rows (n)."""

    b: int
    c: int
    n: int

    def __post_init__(self) -> None:
        if self.n < 1 or min(self.b, self.c) < 0 or self.b + self.c > self.n:
            raise PairedError("Counts must satisfy 0 <= b, c and b + c <= n and n >= 1.")

    @property
    def difference(self) -> float:
        """Candidate's share minus baseline's share."""
        return (self.c - self.b) / self.n


def count_discordant(
    baseline: npt.NDArray[np.int64], candidate: npt.NDArray[np.int64]
) -> Discordant:
    """Count from two (n,) arrays whose zero is a miss and whose other value is a hit.

    Raises:
        PairedError: the arrays differ in length or are empty.
    """
    if baseline.shape != candidate.shape or baseline.ndim != 1:
        raise PairedError("Paired outcomes need two arrays of one length.")
    was, now = baseline != 0, candidate != 0
    return Discordant(int((was & ~now).sum()), int((now & ~was).sum()), len(was))


def midp_greater(counts: Discordant) -> float:
    """Return the one-sided mid-p that the candidate is not better: P(C > c) + P(C = c) / 2."""
    pairs = counts.b + counts.c
    return float(bdtrc(counts.c, pairs, 0.5)) + _half_binomial(counts.c, pairs) / 2


def midp_two_sided(counts: Discordant) -> float:
    """Return the two-sided mid-p of McNemar's test (Fagerland 2013, formula 2)."""
    pairs, smaller = counts.b + counts.c, min(counts.b, counts.c)
    point = _half_binomial(smaller, pairs)
    if counts.b == counts.c:
        return 1 - point / 2
    return 2 * float(bdtr(smaller, pairs, 0.5)) - point


def tango_p_greater(counts: Discordant, margin: float) -> float:
    """Return the one-sided p of H0: difference <= margin, by Tango's score test."""
    _check_share(margin, "margin")
    excess, deviation = _score_parts(counts, margin)
    if deviation == 0:
        return 0.0 if excess > 0 else 1.0
    return float(ndtr(-excess / deviation))


def tango_lower(counts: Discordant, alpha: float) -> float:
    """Return the one-sided lower bound of the difference at level 1 - alpha, in [-1, 1].

    The bound is the smallest difference that the score test does not refuse, rounded down.
    """
    z = _quantile(alpha)
    refused, kept = -1.0, counts.difference
    if not _is_refused(counts, refused, z):
        return -1.0
    for _ in range(BISECTIONS):
        middle = (refused + kept) / 2
        if _is_refused(counts, middle, z):
            refused = middle
        else:
            kept = middle
    return refused


def tango_upper(counts: Discordant, alpha: float) -> float:
    """Return the one-sided upper bound at level 1 - alpha, by symmetry of the two models."""
    return -tango_lower(Discordant(counts.c, counts.b, counts.n), alpha)


def tango_interval(counts: Discordant, alpha: float) -> tuple[float, float]:
    """Return the two-sided interval at level 1 - alpha."""
    return tango_lower(counts, alpha / 2), tango_upper(counts, alpha / 2)


def _is_refused(counts: Discordant, difference: float, z: float) -> bool:
    excess, deviation = _score_parts(counts, difference)
    return excess > z * deviation


def _score_parts(counts: Discordant, difference: float) -> tuple[float, float]:
    """Return numerator and standard deviation of Tango's statistic at a difference.

    The losing share q is the maximum likelihood under the constraint: 2n q^2 + B q + C = 0.
    """
    n, won, lost = counts.n, counts.c, counts.b
    linear = -won - lost + (2 * n - won + lost) * difference
    constant = -lost * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    # The second form of the same root does not cancel when the linear term is large.
    q = -2 * constant / (root + linear) if linear > 0 else (root - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    return won - lost - n * difference, math.sqrt(max(0.0, variance))


def _quantile(alpha: float) -> float:
    if not 0 < alpha <= 0.5:  # noqa: PLR2004
        raise PairedError("alpha must lie in (0, 0.5].")
    return -float(ndtri(alpha))


def _half_binomial(successes: int, trials: int) -> float:
    """P(X = successes) of a fair coin, exact until the last rounding."""
    return float(math.comb(trials, successes) / 2**trials)


def _check_share(value: float, name: str) -> None:
    if not -1 < value < 1:
        raise PairedError(f"{name} must lie in (-1, 1).")
