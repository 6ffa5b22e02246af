"""Shares of an improvement in basis points that always sum to 10,000."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

WHOLE_BPS = 10_000
ROW_WEIGHTS = "row-weights/1"


class NothingToShare(ValueError):
    """No contribution has a positive weight."""


class SharesUnsound(ValueError):
    """Shares that do not sum to the whole, or of which one is no share."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a person's data added, with its lower bound, in whole billionths of the metric's unit.

    `low` is None where the rows are too few to say; `address` is the person's and decides ties;
    `rows` are the new rows of each of the person's contributions.
    """

    address: str
    value: int
    low: int | None
    rows: Mapping[str, int]

    @property
    def paid(self) -> bool:
        """Whether the value is positive, beyond what chance explains."""
        return self.low is not None and self.low > 0 and self.value > 0


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


def split_by_values(people: Sequence[Worth]) -> dict[str, int]:
    """Share 10,000 basis points among those whose lower bound is above zero; by address.

    Raises:
        NothingToShare: nobody's is.
        ValueError: an address that stands there twice.
    """
    if len({person.address.casefold() for person in people}) < len(people):
        raise ValueError("A person is credited once.")
    paid = {person.address: Fraction(person.value) for person in people if person.paid}
    return largest_remainder(paid)


def split_over_contributions(people: Sequence[Worth], shares: Mapping[str, int]) -> dict[str, int]:
    """Split each person's basis points over what the person gave, by new rows.

    Keys of `shares` are addresses; keys of the result are the contributions', without those that
    get no basis point.

    Raises:
        NothingToShare: a person with a share and without rows.
    """
    found: dict[str, int] = {}
    for person in people:
        if points := shares.get(person.address, 0):
            rows = {key: Fraction(count) for key, count in person.rows.items()}
            found |= largest_remainder(rows, points)
    return {key: points for key, points in found.items() if points}


def check_shares(shares: Mapping[Any, int]) -> None:
    """Raises SharesUnsound unless there are none, or all are positive and sum to 10,000."""
    if any(points <= 0 for points in shares.values()):
        raise SharesUnsound("A share is at least one basis point.")
    if shares and (whole := sum(shares.values())) != WHOLE_BPS:
        raise SharesUnsound(f"Shares sum to {whole} basis points, not to {WHOLE_BPS}.")


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
