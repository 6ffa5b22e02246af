"""What was in production, when, and who let it in; read from the changes of stage alone."""

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
    return None if left else InProduction(entered.version, entered.created_at, _decided(entered))


def timeline(model: Model, *, limit: int = 500) -> list[Change]:
    """How the versions of a model moved between stages, newest first."""
    return [change_of(row) for row in _changes(model)[:limit]]


def changes(model: Model) -> QuerySet[StageChange]:
    """The rows behind the timeline, newest first, for pages."""
    return _changes(model)


def change_of(row: StageChange) -> Change:
    """One row of `changes` as it is shown."""
    return Change(row.version, row.before, row.after, row.created_at, _decided(row))


def _changes(model: Model) -> QuerySet[StageChange]:
    approvals = PromotionApproval.objects.select_related("approver").order_by("pk")
    promotions = Promotion.objects.select_related("requested_by").prefetch_related(
        Prefetch("approvals", approvals)
    )
    rows = StageChange.objects.filter(model=model).select_related("version__model__project")
    return rows.prefetch_related(Prefetch("promotion", promotions)).order_by("-pk")


def _decided(row: StageChange) -> Decided:
    promotion = row.promotion or _behind(row)
    return Decided(
        reason=row.reason,
        comment=row.comment,
        carried_out_by=row.actor_label or row.actor,
        requested_by=promotion.requested_by.username if promotion else "",
        approved_by=tuple(given.approver.username for given in promotion.approvals.all())
        if promotion
        else (),
        promotion_id=promotion.public_id if promotion else "",
        evidence=promotion.evidence if promotion else "",
    )


def _behind(row: StageChange) -> Promotion | None:
    """Of a version that came back to production: the promotion that had led it there before."""
    if row.reason != StageReason.ROLLED_BACK or row.after != Stage.PRODUCTION:
        return None
    first = (
        StageChange.objects.filter(
            version=row.version_id, reason=StageReason.PROMOTED, after=row.after, pk__lt=row.pk
        )
        .select_related("promotion__requested_by")
        .prefetch_related("promotion__approvals__approver")
        .order_by("-pk")
        .first()
    )
    return first.promotion if first else None
