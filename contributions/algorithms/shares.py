"""Shares of an improvement in basis points that always sum to 10,000."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

WHOLE_BPS = 10_000
ROW_WEIGHTS = "row-weights/1"


class NothingToShare(ValueError):
    """No contribution has a positive weight."""


@dataclass(frozen=True, slots=True)
class Split:
    """Shares in basis points by address, and the name of the method that made them."""

    method: str
    shares: dict[str, int]


def split_by_rows(rows: Mapping[str, int]) -> Split:
    """Share 10,000 basis points in proportion to accepted rows.

    Args:
        rows: rows by address (or by any other key, such as a contribution's id); keys without
            rows get no share and are left out.

    Raises:
        NothingToShare: nobody has a row.
        ValueError: a negative number of rows.
    """
    return Split(ROW_WEIGHTS, largest_remainder({key: Fraction(n) for key, n in rows.items()}))


def largest_remainder(weights: Mapping[str, Fraction], whole: int = WHOLE_BPS) -> dict[str, int]:
    """Split `whole` in proportion to exact weights; what is left goes to the largest remainders.

    Equal remainders are served in the order of the keys without regard to case, so that the
    result depends on nothing but the weights.

    Raises:
        NothingToShare: the weights sum to zero.
        ValueError: a negative weight.
    """
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("A weight is negative.")
    total = sum(weights.values(), Fraction(0))
    if not total:
        raise NothingToShare("There is nothing to share: no weight is positive.")
    exact = {key: weight * whole / total for key, weight in weights.items() if weight}
    shares = {key: int(share) for key, share in exact.items()}
    left = whole - sum(shares.values())
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], key.casefold(), key))
    for key in by_remainder[:left]:
        shares[key] += 1
    return {key: shares[key] for key in sorted(shares, key=lambda key: (key.casefold(), key))}
