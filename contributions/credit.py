"""Who is credited with an improvement: by new rows, first come, in whole basis points."""

from collections.abc import Sequence
from dataclasses import dataclass

from contributions.algorithms.shares import ROW_WEIGHTS, NothingToShare, split_by_rows
from contributions.likeness import seen_rows_of
from contributions.models import Contribution
from experiments.models import Comparison
from registry.algorithms.tables import TableError
from registry.models import DatasetVersion

NO_CONTRIBUTION = "no-contribution"


@dataclass(frozen=True, slots=True)
class Credit:
    """`shares`: basis points by contribution key, summing to 10,000, or empty."""

    method: str
    shares: dict[int, int]


def split_credit(comparison: Comparison) -> Credit:
    """Split by rows that are new: neither the baseline's own nor given before by another."""
    rows = _new_rows(comparison)
    try:
        split = split_by_rows({str(key): count for key, count in rows.items()})
    except NothingToShare:
        return Credit(NO_CONTRIBUTION, {})
    return Credit(ROW_WEIGHTS, {int(key): points for key, points in split.shares.items() if points})


def _new_rows(comparison: Comparison) -> dict[int, int]:
    """Rows that each contribution was the first to give, by its key."""
    features = comparison.benchmark.features
    old = comparison.baseline.training_data.all()
    known = set().union(*(_rows(version, features) for version in old))
    given = Contribution.objects.filter(
        dataset_version__in=comparison.candidate.training_data.all()
    ).exclude(dataset_version__in=old)
    counts = {}
    for contribution in given.select_related("dataset_version", "wallet").order_by("pk"):
        rows = _rows(contribution.dataset_version, features)
        counts[contribution.pk] = len(rows - known - _given_by_others(contribution, features))
        known |= rows
    return counts


def _given_by_others(contribution: Contribution, features: Sequence[str]) -> set[bytes]:
    """Rows of earlier contributions of other people to the same model, used here or not."""
    earlier = (
        Contribution.objects.trainable()
        .filter(model=contribution.model_id, pk__lt=contribution.pk)
        .exclude(wallet__contributor=contribution.wallet.contributor_id)
    )
    tables = earlier.select_related("dataset_version")
    return set().union(*(_rows(item.dataset_version, features) for item in tables))


def _rows(version: DatasetVersion, features: Sequence[str]) -> set[bytes]:
    """Rows as the benchmark's models see them; none where the table has not their columns."""
    try:
        return seen_rows_of(version, features)
    except TableError:
        return set()


__all__ = ["NO_CONTRIBUTION", "ROW_WEIGHTS", "Credit", "split_credit"]
