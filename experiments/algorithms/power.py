"""How many rows a comparison needs, and what the rows at hand can show.

For paired 0/1 outcomes: Connor 1987, Biometrics 43:207-211, with the margin taken off the gain.
`disagreement` is the share of rows on which exactly one of both models is right; for other metrics
`deviation` is the standard deviation of the gain per row. Gains, margins, disagreement in natural
units (0.01 is one percentage point); `alpha` one-sided, of the attempt in question.
"""

import math

from scipy.special import ndtr, ndtri

LARGEST = 10**12


class PowerError(ValueError):
    """What is asked cannot be planned for."""


def rows_needed(
    gain: float, disagreement: float, alpha: float, margin: float = 0.0, power: float = 0.8
) -> int:
    """Return the rows with which a true gain is found with a probability of `power`.

    Raises PowerError for a gain not above the margin, or above the disagreement.
    """
    _check(alpha, power)
    _check_disagreement(gain, disagreement, margin)
    null, alternative = _deviations(gain, disagreement, margin)
    return _rows(gain - margin, null, alternative, alpha, power)


def power_at(n: int, gain: float, disagreement: float, alpha: float, margin: float = 0.0) -> float:
    """Return the probability that n rows show a true gain to exceed the margin."""
    _check(alpha, 0.5)
    _check_disagreement(gain, disagreement, margin)
    null, alternative = _deviations(gain, disagreement, margin)
    return _power(n, gain - margin, null, alternative, alpha)


def detectable_gain(
    n: int, disagreement: float, alpha: float, margin: float = 0.0, power: float = 0.8
) -> float | None:
    """Return the smallest true gain that n rows show with `power`; None where no gain can be.

    A gain cannot exceed the disagreement: rows on which both models agree win nothing.
    """
    _check(alpha, power)
    if not margin < disagreement or power_at(n, disagreement, disagreement, alpha, margin) < power:
        return None
    low, high = margin, disagreement
    for _ in range(60):
        middle = (low + high) / 2
        if middle > margin and power_at(n, middle, disagreement, alpha, margin) >= power:
            high = middle
        else:
            low = middle
    return high


def rows_needed_for_mean(
    gain: float, deviation: float, alpha: float, margin: float = 0.0, power: float = 0.8
) -> int:
    """Return the rows for a gain per row with a standard deviation. Raises PowerError."""
    _check(alpha, power)
    _check_deviation(gain, deviation, margin)
    return _rows(gain - margin, deviation, deviation, alpha, power)


def power_at_for_mean(
    n: int, gain: float, deviation: float, alpha: float, margin: float = 0.0
) -> float:
    """Return the probability that n rows show a true mean gain to exceed the margin."""
    _check(alpha, 0.5)
    _check_deviation(gain, deviation, margin)
    return _power(n, gain - margin, deviation, deviation, alpha)


def detectable_mean_gain(
    n: int, deviation: float, alpha: float, margin: float = 0.0, power: float = 0.8
) -> float:
    """Return the smallest true mean gain that n rows show with `power`."""
    _check(alpha, power)
    if n < 1:
        raise PowerError("There are no rows.")
    return margin + (_quantile(alpha) + float(ndtri(power))) * deviation / math.sqrt(n)


def design_effect(rows_per_cluster: float, correlation: float) -> float:
    """Return how many clustered rows say as much as one that stands alone (Kish 1965).

    1 + (m - 1) rho for clusters of m rows whose gains correlate by rho within a cluster: multiply
    the rows needed by it, divide the rows at hand.
    """
    if rows_per_cluster < 1 or not 0 <= correlation <= 1:
        raise PowerError("Clusters hold at least one row, correlated between 0 and 1.")
    return 1 + (rows_per_cluster - 1) * correlation


def _deviations(gain: float, disagreement: float, margin: float) -> tuple[float, float]:
    """Return the deviations of a row's gain at the margin and at the gain.

    At margin 0 they are Connor's. Above it the score test's losing share at the margin depends on
    the gain; the alternative's own deviation serves for both, within a row or two of it.
    """
    alternative = math.sqrt(max(0.0, disagreement - gain**2))
    return (math.sqrt(disagreement) if margin == 0 else alternative), alternative


def _rows(gain: float, null: float, alternative: float, alpha: float, power: float) -> int:
    needed = (_quantile(alpha) * null + float(ndtri(power)) * alternative) / gain
    rows = max(1.0, needed**2)
    if rows > LARGEST:
        raise PowerError("No number of rows shows so small a gain.")
    # The formula is an approximation, which one row more or less does not mend.
    return round(rows)


def _power(n: int, gain: float, null: float, alternative: float, alpha: float) -> float:
    if n < 1:
        raise PowerError("There are no rows.")
    excess = gain * math.sqrt(n) - _quantile(alpha) * null
    if not alternative > 0:
        return 1.0 if excess > 0 else 0.0
    return float(ndtr(excess / alternative))


def _quantile(alpha: float) -> float:
    return -float(ndtri(alpha))


def _check(alpha: float, power: float) -> None:
    if not 0 < alpha <= 0.5 or not 0 < power < 1:  # noqa: PLR2004
        raise PowerError("alpha lies in (0, 0.5], power in (0, 1).")


def _check_disagreement(gain: float, disagreement: float, margin: float) -> None:
    if not 0 < disagreement <= 1:
        raise PowerError("The disagreement is a share of the rows, above 0 and at most 1.")
    if gain <= margin:
        raise PowerError("The gain must exceed the margin.")
    if gain > disagreement:
        raise PowerError("A gain cannot exceed the share of rows on which the models disagree.")


def _check_deviation(gain: float, deviation: float, margin: float) -> None:
    if not 0 < deviation < math.inf:
        raise PowerError("The deviation of a row's gain is above 0.")
    if gain <= margin:
        raise PowerError("The gain must exceed the margin.")
