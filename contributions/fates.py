"""What became of contributions that earned nothing, in words for those who gave them."""

from collections.abc import Collection, Iterable
from typing import Any

from contributions.choices import ContributionStatus
from contributions.models import Contribution
from experiments.models import Comparison

Reason = dict[str, Any]

_WAITING: dict[str, Reason] = {
    ContributionStatus.RECEIVED: {"code": "being_checked", "message": "It is being checked."},
    ContributionStatus.ACCEPTED: {
        "code": "not_used_yet",
        "message": "It was accepted; no version was made from it yet.",
    },
    ContributionStatus.USED: {
        "code": "not_measured_yet",
        "message": "A version was made from it; none was compared with its baseline yet.",
    },
}
_NOTHING_NEW: Reason = {
    "code": "no_new_rows",
    "message": "An improvement was made with it, but its rows were known before.",
}


def reasons_for(
    contributions: Iterable[Contribution], credited: Collection[int]
) -> dict[int, list[Reason]]:
    """Why each contribution has no credit, by key; an empty list for one that has.

    `credited`: keys of contributions with a share. A refused attempt tells no more than that.
    """
    rows = list(contributions)
    verdicts = _verdicts(row.dataset_version_id for row in rows)
    return {
        row.pk: [] if row.pk in credited else _reasons(row, verdicts.get(row.dataset_version_id))
        for row in rows
    }


def _reasons(row: Contribution, verdicts: list[Reason] | None) -> list[Reason]:
    if row.reasons:
        return list(row.reasons)
    return verdicts or ([_WAITING[row.status]] if row.status in _WAITING else [])


def _verdicts(dataset_versions: Iterable[int]) -> dict[int, list[Reason]]:
    decided = (
        Comparison.objects.decided()
        .filter(candidate__training_data__in=list(dataset_versions))
        .order_by("pk")
        .values_list("candidate__training_data", "candidate__number", "status", "explanation")
    )
    found: dict[int, list[Reason]] = {}
    for dataset_version, number, status, explanation in decided:
        reason = _NOTHING_NEW if status == "accepted" else _refused(number, explanation)
        found.setdefault(dataset_version, []).append(reason)
    return found


def _refused(number: int, explanation: str) -> Reason:
    return {
        "code": "no_improvement",
        "message": f"v{number}, made with it, was refused: {explanation}",
    }
