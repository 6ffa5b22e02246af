"""Who is credited with an improvement: by new rows, first come, in whole basis points."""

from dataclasses import dataclass

from contributions.algorithms.shares import ROW_WEIGHTS, NothingToShare, split_by_rows
from contributions.models import Contribution
from experiments.models import Comparison
from registry.models import RowDigest

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
    known = set(_inputs(comparison.baseline.training_data.values("pk")))
    given = Contribution.objects.filter(
        dataset_version__in=comparison.candidate.training_data.all()
    ).exclude(dataset_version__in=comparison.baseline.training_data.all())
    counts = {}
    for contribution in given.order_by("pk"):
        inputs = set(_inputs([contribution.dataset_version_id]))
        counts[contribution.pk] = len(inputs - known)
        known |= inputs
    return counts


def _inputs(dataset_versions: object) -> list[bytes]:
    found = RowDigest.objects.filter(dataset_version__in=dataset_versions)
    return [bytes(value) for value in found.values_list("inputs", flat=True)]


__all__ = ["NO_CONTRIBUTION", "ROW_WEIGHTS", "Credit", "split_credit"]
