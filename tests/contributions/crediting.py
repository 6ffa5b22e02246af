"""Credit that nobody worked out, for tests of what is done with it."""

from typing import Any

from contributions.credit import Credit, Measured
from contributions.gifts import Gift, Person
from contributions.models import Contribution
from experiments.models import Comparison
from tests.factories import ComparisonFactory, ModelVersionFactory


def accepted(**fields: Any) -> Comparison:
    made: Comparison = ComparisonFactory(**({"status": "accepted", "delta_ppm": 50_000} | fields))
    return made


def rival_of(first: Comparison) -> Comparison:
    """Another accepted candidate against the same baseline."""
    return accepted(
        benchmark=first.benchmark,
        baseline=first.baseline,
        candidate=ModelVersionFactory(model=first.candidate.model),
    )


def person(*given: Contribution) -> Person:
    """Whoever gave these, each with ten new rows."""
    keys = frozenset(bytes([number]) * 32 for number in range(10))
    gifts = tuple(
        Gift(contribution=item, keys=keys, rows=10, baseline=0, given_before=0, repeated=0)
        for item in given
    )
    return Person(given[0].wallet.contributor, given[0].wallet.address, gifts)


def credit_of(*given: Contribution, values: bool = False, **fields: Any) -> Credit:
    """Credit in equal parts to the persons who gave these."""
    people = tuple(person(item) for item in given)
    shares = {item.pk: 10_000 // len(given) for item in given}
    worth = tuple(Measured(10_000_000, 1_000_000, 19_000_000) for _ in given) if values else ()
    gifts = tuple(gift for one in people for gift in one.gifts)
    stated: dict[str, Any] = {"method": "by hand", "values": worth, "shares": shares}
    return Credit(people=people, gifts=gifts, **(stated | fields))
