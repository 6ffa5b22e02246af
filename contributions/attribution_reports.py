"""How a gain was attributed, for pages and the API: persons by name only where one may know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from contributions.models import Attribution, CoalitionBatch, Contributor, Improvement
from hokusai.accounts.permissions import projects_where

SEES_GIVERS = "contributions.view_contribution"


@dataclass(frozen=True, slots=True)
class PlayerLine:
    """One person's part. `name`: a pseudonym where whoever looks may not know them; values in
    millionths, None where the method measures none or the rows are too few.
    """

    name: str
    address: str | None
    contributions: tuple[str, ...]
    new_rows: int | None
    value_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    basis_points: int


@dataclass(frozen=True, slots=True)
class AttributionView:
    """An attribution as one person may see it. `decides`: whether shares follow from it."""

    id: str
    method: str
    status: str
    explanation: str
    decides: bool
    metric: str
    payable_ppm: int
    payable_reason: str
    evaluations: int
    error_bound_ppm: int
    batches: int
    batches_done: int
    players: tuple[PlayerLine, ...]
    report_digest: str
    created_at: datetime
    finished_at: datetime | None
    alternatives: tuple["AttributionView", ...] = ()


def attribution_of(improvement: Improvement) -> Attribution | None:
    """The attribution that decides; None for gains that were credited before there were any."""
    try:
        return improvement.attribution
    except ObjectDoesNotExist:
        return None


def attribution_view(
    attribution: Attribution, improvement: Improvement, user: Any
) -> AttributionView:
    """The attribution that decides, with the others beside it, as `user` may see them."""
    everything = [attribution, *attribution.alternatives.order_by("pk")]
    counts = _batches(everything)
    named = sees_givers(user, improvement)
    own = Contributor.objects.filter(user_id=user.pk).values_list("public_id", flat=True).first()
    views = [_view(row, improvement, counts[row.pk], named, own) for row in everything]
    return replace(views[0], alternatives=tuple(views[1:]))


def sees_givers(user: Any, improvement: Improvement) -> bool:
    """Whether a person may know who gave data in the improvement's project."""
    project = improvement.model.project_id
    return bool(projects_where(user, SEES_GIVERS).filter(pk=project).exists())


def _batches(attributions: Sequence[Attribution]) -> dict[int, tuple[int, int]]:
    """Batches of each attribution, and how many of them are done."""
    counts = {row.pk: (0, 0) for row in attributions}
    found = CoalitionBatch.objects.filter(attribution__in=counts).order_by()
    for key, digest in found.values_list("attribution", "outcomes_digest"):
        total, done = counts[key]
        counts[key] = (total + 1, done + bool(digest))
    return counts


def _view(
    row: Attribution,
    improvement: Improvement,
    counts: tuple[int, int],
    named: bool,
    own: str | None,
) -> AttributionView:
    decides = row.improvement_id is not None
    return AttributionView(
        id=row.public_id,
        method=row.method,
        status=row.status,
        explanation=row.explanation,
        decides=decides,
        metric=improvement.comparison.benchmark.metric,
        payable_ppm=improvement.payable_ppm if decides else 0,
        payable_reason=improvement.payable_reason if decides else "indicative_method",
        evaluations=row.evaluations,
        error_bound_ppm=row.error_bound_ppm,
        batches=counts[0],
        batches_done=counts[1],
        players=_players(row, named=named, own=own),
        report_digest=row.report_digest,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _players(row: Attribution, *, named: bool, own: str | None) -> tuple[PlayerLine, ...]:
    # A pseudonym follows the place in this attribution, so that no two tell of one person.
    pairs = zip(row.players, row.values, strict=False)
    return tuple(
        _player(player, value, f"contributor {place}", named or player["contributor"] == own)
        for place, (player, value) in enumerate(pairs, 1)
    )


def _player(
    player: Mapping[str, Any],
    value: Mapping[str, Any],
    pseudonym: str,
    known: bool,
) -> PlayerLine:
    given = player["contributions"]
    return PlayerLine(
        name=player["address"] if known else pseudonym,
        address=player["address"] if known else None,
        contributions=tuple(given) if known else (),
        new_rows=sum(given.values()) if known else None,
        value_ppm=value.get("value_ppm"),
        low_ppm=value.get("low_ppm"),
        high_ppm=value.get("high_ppm"),
        basis_points=value["basis_points"],
    )
