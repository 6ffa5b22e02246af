"""Which rows count for whom: persons, not wallets, and nobody is credited with another's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contributions.likeness import row_keys_of
from contributions.models import Contribution, Contributor
from experiments.models import Comparison
from registry.models import DatasetVersion


@dataclass(frozen=True, slots=True)
class Gift:
    """One contribution that a candidate was made from, and its rows by what became of them.

    `keys`: those that count; `baseline`: rows that the baseline or the control was trained on;
    `given_before`: rows that another person gave first; `repeated`: rows that the same person's
    data holds already.
    """

    contribution: Contribution
    keys: frozenset[bytes] = field(repr=False)
    rows: int
    baseline: int
    given_before: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Person:
    """A contributor with new rows, under the address of the first of these gifts."""

    contributor: Contributor
    address: str
    gifts: tuple[Gift, ...]

    @property
    def new_rows(self) -> dict[int, int]:
        """New rows of each contribution, by its key."""
        return {gift.contribution.pk: len(gift.keys) for gift in self.gifts}


def gifts_of(comparison: Comparison, base: Iterable[DatasetVersion] = ()) -> list[Gift]:
    """What the candidate has and the baseline has not, in the order in which it was given.

    `base`: what else nobody is credited with, as the data of the control. Rows are compared as the
    benchmark's models see them. Raises DatasetRefused, ContentMissing.
    """
    features = comparison.benchmark.features
    old = {*comparison.baseline.training_data.all(), *base}
    known = set().union(*(row_keys_of(version, features) for version in old))
    given = (
        Contribution.objects.filter(dataset_version__in=comparison.candidate.training_data.all())
        .exclude(dataset_version__in=old)
        .select_related("dataset_version", "wallet__contributor")
        .order_by("pk")
    )
    first, counted = _first_givers(list(given), features), set[bytes]()
    gifts = []
    for contribution in given:
        keys = row_keys_of(contribution.dataset_version, features)
        gifts.append(_gift(contribution, keys, known, first, counted))
        counted |= gifts[-1].keys
    return gifts


def _gift(
    contribution: Contribution,
    keys: Sequence[bytes],
    known: set[bytes],
    first: dict[bytes, int],
    counted: set[bytes],
) -> Gift:
    person = contribution.wallet.contributor_id
    baseline = [key for key in keys if key in known]
    others = [key for key in keys if key not in known and first.get(key, person) != person]
    own = [key for key in keys if key not in known and first.get(key, person) == person]
    new = frozenset(own) - counted
    return Gift(
        contribution=contribution,
        keys=new,
        rows=len(keys),
        baseline=len(baseline),
        given_before=len(others),
        repeated=len(own) - len(new),
    )


def _first_givers(given: Sequence[Contribution], features: Sequence[str]) -> dict[bytes, int]:
    """Who gave each row first to the same model, whether those rows are used here or not."""
    if not given:
        return {}
    earlier = (
        Contribution.objects.trainable()
        .filter(model__in={item.model_id for item in given}, pk__lte=given[-1].pk)
        .select_related("dataset_version", "wallet")
        .order_by("pk")
    )
    first: dict[bytes, int] = {}
    for contribution in earlier:
        for key in row_keys_of(contribution.dataset_version, features):
            first.setdefault(key, contribution.wallet.contributor_id)
    return first


def people_of(gifts: Iterable[Gift]) -> list[Person]:
    """Persons with new rows, in the order of their first gift; several wallets are one person."""
    found: dict[int, list[Gift]] = {}
    for gift in gifts:
        if gift.keys:
            found.setdefault(gift.contribution.wallet.contributor_id, []).append(gift)
    return [
        Person(
            contributor=own[0].contribution.wallet.contributor,
            address=own[0].contribution.wallet.address,
            gifts=tuple(own),
        )
        for own in found.values()
    ]
