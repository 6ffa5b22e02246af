"""How the error rate is spread over repeated attempts on the same rows."""

import math


def alpha_for_attempt(alpha: float, k: int) -> float:
    """Return the error rate of the k-th attempt, 6 alpha / (pi^2 k^2).

    The rates of all attempts, however many, sum to `alpha` (Basel series), so that a family of
    attempts accepts a worthless model with a probability of at most `alpha`.

    Args:
        alpha: one-sided error rate of the family, in (0, 0.5].
        k: attempt, from 1.

    Raises:
        ValueError: `alpha` or `k` is out of range.
    """
    if not 0 < alpha <= 0.5:  # noqa: PLR2004
        raise ValueError("alpha must lie in (0, 0.5].")
    if k < 1:
        raise ValueError("Attempts count from 1.")
    return 6 * alpha / (math.pi**2 * k**2)
