"""Sums of attested credit, kept by day and in all, so that no page adds up every share.

The shares of signed attestations are the truth. A sum is always recomputed from them, never added
to, so that telling it twice changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Count, F, QuerySet, Sum
from django.db.models.functions import Cast, TruncDate

from contributions.choices import AttestationStatus
from contributions.models import Attestation, ImpactDay, ImpactTotal, Share
from registry.models import Model

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is kept against what the shares say; gains in millionths times basis points."""

    where: str
    kept_e10: int
    true_e10: int


def attested_shares() -> QuerySet[Share]:
    """Shares that count: of confirmed gains whose attestation stands."""
    return Share.objects.filter(
        improvement__attestation__status=AttestationStatus.SIGNED,
        improvement__payable_ppm__gt=0,
        basis_points__gt=0,
    )


def daily(shares: QuerySet[Share]) -> QuerySet[Any, Any]:
    """One row per person, project, model, metric and day of signing (UTC)."""
    return (
        shares.order_by()
        .values(
            contributor_of=F("contribution__wallet__contributor"),
            project_of=F("improvement__model__project"),
            model_of=F("improvement__model"),
            metric=F("improvement__comparison__benchmark__metric"),
            on=TruncDate("improvement__attestation__signed_at", tzinfo=UTC),
        )
        .annotate(
            # A product of two integers does not fit an integer.
            gain_e10=Sum(Cast("improvement__payable_ppm", BigIntegerField()) * F("basis_points")),
            shares=Count("pk"),
        )
    )


@transaction.atomic
def roll_up(*, statement_id: str) -> None:
    """Bring the sums of an attestation's model, metric and day in step with its shares."""
    attestation = (
        Attestation.objects.select_related("improvement__comparison__benchmark")
        .filter(statement_id=statement_id)
        .first()
    )
    if attestation is None or attestation.signed_at is None:
        return
    improvement = attestation.improvement
    # Sums of one model are rewritten by one transaction at a time.
    Model.objects.select_for_update().get(pk=improvement.model_id)
    metric = improvement.comparison.benchmark.metric
    _rewrite_day(improvement.model_id, metric, attestation.signed_at.astimezone(UTC).date())


def _rewrite_day(model: int, metric: str, day: date) -> None:
    kept = ImpactDay.objects.filter(model=model, metric=metric, day=day)
    people = set(kept.values_list("contributor", flat=True))
    kept.delete()
    shares = attested_shares().filter(
        improvement__model=model,
        improvement__comparison__benchmark__metric=metric,
        improvement__attestation__signed_at__date=day,
    )
    rows = [_day(row) for row in daily(shares)]
    ImpactDay.objects.bulk_create(rows, batch_size=BATCH)
    project = Model.objects.values_list("project", flat=True).get(pk=model)
    _rewrite_totals(project, metric, people | {row.contributor_id for row in rows})


def _day(row: dict[str, Any]) -> ImpactDay:
    return ImpactDay(
        contributor_id=row["contributor_of"],
        project_id=row["project_of"],
        model_id=row["model_of"],
        metric=row["metric"],
        day=row["on"],
        gain_e10=row["gain_e10"],
        shares=row["shares"],
    )


def _rewrite_totals(project: int, metric: str, people: Iterable[int]) -> None:
    own = {"project": project, "metric": metric, "contributor__in": list(people)}
    # Two models of a project share a person's total.
    list(ImpactTotal.objects.select_for_update().filter(**own).order_by("pk"))
    ImpactTotal.objects.filter(**own).delete()
    ImpactTotal.objects.bulk_create(
        (_total(row) for row in totals(ImpactDay.objects.filter(**own))), batch_size=BATCH
    )


def totals(days: QuerySet[ImpactDay]) -> QuerySet[Any, Any]:
    """One row per person, project and metric."""
    return (
        days.order_by()
        .values("contributor_id", "project_id", "metric")
        .annotate(gain=Sum("gain_e10"), count=Sum("shares"))
    )


def _total(row: dict[str, Any]) -> ImpactTotal:
    return ImpactTotal(
        contributor_id=row["contributor_id"],
        project_id=row["project_id"],
        metric=row["metric"],
        gain_e10=row["gain"],
        shares=row["count"],
    )


def differences() -> list[Difference]:
    """Every sum that differs from its shares; empty where all are true."""
    found = {_key(row): row["gain_e10"] for row in daily(attested_shares()).iterator()}
    return [*_compare("day", _kept_days(), found), *_compare("total", _kept_totals(), _sums(found))]


_Key = tuple[Any, ...]


def _key(row: dict[str, Any]) -> _Key:
    return (
        row["contributor_of"],
        row["project_of"],
        row["metric"],
        row["model_of"],
        row["on"].isoformat(),
    )


def _kept_days() -> dict[_Key, int]:
    rows = ImpactDay.objects.values_list(
        "contributor", "project", "metric", "model", "day", "gain_e10"
    )
    return {(*key, day.isoformat()): gain for *key, day, gain in rows.iterator()}


def _kept_totals() -> dict[_Key, int]:
    rows = ImpactTotal.objects.values_list("contributor", "project", "metric", "gain_e10")
    return {tuple(key): gain for *key, gain in rows.iterator()}


def _sums(days: dict[_Key, int]) -> dict[_Key, int]:
    sums: dict[_Key, int] = {}
    for key, gain in days.items():
        sums[key[:3]] = sums.get(key[:3], 0) + gain
    return sums


def _compare(kind: str, kept: dict[_Key, int], true: dict[_Key, int]) -> list[Difference]:
    names = ("contributor", "project", "metric", "model", "day")
    return [
        Difference(
            f"{kind} of "
            + ", ".join(f"{name} {value}" for name, value in zip(names, key, strict=False)),
            kept.get(key, 0),
            true.get(key, 0),
        )
        for key in sorted(kept.keys() | true.keys(), key=str)
        if kept.get(key, 0) != true.get(key, 0)
    ]


@transaction.atomic
def rebuild() -> int:
    """Make every sum anew from the shares; how many days there are."""
    ImpactDay.objects.all().delete()
    ImpactTotal.objects.all().delete()
    count = 0
    days = daily(attested_shares()).iterator(chunk_size=BATCH)
    while batch := [_day(row) for row in islice(days, BATCH)]:
        ImpactDay.objects.bulk_create(batch)
        count += len(batch)
    sums = totals(ImpactDay.objects.all()).iterator(chunk_size=BATCH)
    while batch_of_sums := [_total(row) for row in islice(sums, BATCH)]:
        ImpactTotal.objects.bulk_create(batch_of_sums)
    return count
