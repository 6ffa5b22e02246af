"""What was in production, when, and who let it in; read from the changes of stage alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from registry.choices import Stage, StageReason
from registry.models import Model, ModelVersion, Promotion, PromotionApproval, StageChange


@dataclass(frozen=True, slots=True)
class Decided:
    """How a change of stage came about; names are those of persons."""

    reason: str
    comment: str
    carried_out_by: str
    requested_by: str
    approved_by: tuple[str, ...]
    promotion_id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class InProduction:
    """A version that was in production from `since`, and at least until the time asked for."""

    version: ModelVersion
    since: datetime
    decided: Decided


@dataclass(frozen=True, slots=True)
class Change:
    """One version entered one stage."""

    version: ModelVersion
    before: str
    after: str
    at: datetime
    decided: Decided


def at(model: Model, time: datetime) -> InProduction | None:
    """What was in production at a time; None for nothing."""
    known = _changes(model).filter(created_at__lte=time)
    entered = known.filter(after=Stage.PRODUCTION).first()
    if entered is None:
        return None
    left = known.filter(
        version=entered.version_id, before=Stage.PRODUCTION, pk__gt=entered.pk
    ).exists()
    if left:
        return None
    return InProduction(entered.version, entered.created_at, _told(model, [entered])[0].decided)


def timeline(model: Model, *, limit: int = 500) -> list[Change]:
    """How the versions of a model moved between stages, newest first."""
    return _told(model, list(_changes(model)[:limit]))


def _changes(model: Model) -> QuerySet[StageChange]:
    rows = StageChange.objects.filter(model=model).select_related("version__model__project")
    return _with_promotions(rows).order_by("-pk")


def _with_promotions(rows: QuerySet[StageChange]) -> QuerySet[StageChange]:
    approvals = PromotionApproval.objects.select_related("approver").order_by("pk")
    promotions = Promotion.objects.select_related("requested_by").prefetch_related(
        Prefetch("approvals", approvals)
    )
    return rows.prefetch_related(Prefetch("promotion", promotions))


def _told(model: Model, rows: Sequence[StageChange]) -> list[Change]:
    behind = _behind(model, rows)
    return [
        Change(
            row.version,
            row.before,
            row.after,
            row.created_at,
            _decided(row, row.promotion or behind.get(row.pk)),
        )
        for row in rows
    ]


def _decided(row: StageChange, promotion: Promotion | None) -> Decided:
    given = promotion.approvals.all() if promotion else ()
    return Decided(
        reason=row.reason,
        comment=row.comment,
        carried_out_by=row.actor_label or row.actor,
        requested_by=promotion.requested_by.username if promotion else "",
        approved_by=tuple(approval.approver.username for approval in given),
        promotion_id=promotion.public_id if promotion else "",
        evidence=promotion.evidence if promotion else "",
    )


def _behind(model: Model, rows: Sequence[StageChange]) -> dict[int, Promotion]:
    """For versions that came back to production, the promotion that had led them there last."""
    back = [
        row
        for row in rows
        if row.reason == StageReason.ROLLED_BACK and row.after == Stage.PRODUCTION
    ]
    if not back:
        return {}
    promoted = _with_promotions(
        StageChange.objects.filter(
            model=model,
            reason=StageReason.PROMOTED,
            after=Stage.PRODUCTION,
            version__in={row.version_id for row in back},
        )
    ).order_by("pk")
    return {
        row.pk: before.promotion
        for row in back
        for before in promoted
        if before.version_id == row.version_id and before.pk < row.pk and before.promotion
    }
