"""Holm's correction for several tests (Holm 1979, Scandinavian Journal of Statistics 6:65-70)."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p values in the order given: those at most alpha hold together at alpha.

    The j-th smallest of m is multiplied by m - j + 1; none is smaller than one before it.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
