"""What came of the data that a person gave, as one viewer may see it.

Credit is what untouched rows confirmed, under attestations that stand. Metrics have their own
units, so sums and ranks are by metric.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Rank, TruncMonth

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.choices import AttestationStatus, ContributionStatus
from contributions.fates import reasons_for
from contributions.models import (
    Attestation,
    Contribution,
    Contributor,
    ImpactDay,
    ImpactTotal,
    Share,
    Wallet,
)
from contributions.querysets import ContributionQuerySet
from hokusai.accounts.models import Project
from hokusai.core.errors import NotFound

BASIS = 10_000
Projects: TypeAlias = QuerySet[Project]
# Lines of a page; all of them are under improvements and contributions.
LINES = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of somebody's impact is asked for; None is all of it. Days are UTC."""

    project: str | None = None
    model_id: str | None = None
    since: date | None = None
    until: date | None = None

    def within(self, days: QuerySet[ImpactDay]) -> QuerySet[ImpactDay]:
        """Days of this part."""
        asked = {
            "project__slug": self.project,
            "model__model_id": self.model_id,
            "day__gte": self.since,
            "day__lte": self.until,
        }
        return days.filter(**{name: value for name, value in asked.items() if value is not None})

    def of_shares(self, shares: QuerySet[Share]) -> QuerySet[Share]:
        """Shares of this part; time is when their attestation was signed."""
        signed = "improvement__attestation__signed_at__date"
        asked = {
            "improvement__model__project__slug": self.project,
            "improvement__model__model_id": self.model_id,
            f"{signed}__gte": self.since,
            f"{signed}__lte": self.until,
        }
        return shares.filter(**{name: value for name, value in asked.items() if value is not None})


EVERYTHING = Slice()


@dataclass(frozen=True, slots=True)
class MetricLine:
    """Credit in one metric, in millionths of its unit; `rank` among `people` that are seen."""

    metric: str
    credited_ppm: int
    shares: int
    rank: int
    people: int


@dataclass(frozen=True, slots=True)
class ModelLine:
    """Credit in one model and metric, in millionths."""

    model_id: str
    metric: str
    credited_ppm: int
    shares: int


@dataclass(frozen=True, slots=True)
class MonthLine:
    """Credit that was attested in one month (its first day), in millionths."""

    month: date
    metric: str
    credited_ppm: int


@dataclass(frozen=True, slots=True)
class ImpactLine:
    """One improvement that a contributor has a share in; differences in millionths.

    `credited_ppm` is 0 until an attestation proves it; `payable_reason` says why nothing is
    payable.
    """

    improvement_id: str
    model_id: str
    version: int
    metric: str
    delta_ppm: int
    payable_ppm: int
    payable_reason: str
    basis_points: int
    credited_ppm: int
    method: str
    attestation_id: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class GivenLine:
    """One contribution and what became of it."""

    contribution_id: str
    model_id: str
    rows: int | None
    status: str
    reasons: tuple[dict[str, Any], ...]
    credited_ppm: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What a contributor gave and what came of it, as one viewer may see it."""

    address: str
    contributor: str
    totals: tuple[MetricLine, ...]
    models: tuple[ModelLine, ...]
    months: tuple[MonthLine, ...]
    improvements: tuple[ImpactLine, ...]
    contributions: tuple[GivenLine, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One contributor on the leaderboard of a metric; credit in millionths."""

    rank: int
    address: str
    name: str
    shares: int
    credited_ppm: int


def impact_of(address: str, seen: Projects, part: Slice = EVERYTHING) -> Impact:
    """What the person behind an address gave and earned, over all their wallets.

    `seen`: projects that the viewer may see; nothing of others is listed, summed or ranked.
    Raises NotFound where they hold nothing of it, as for an address that nobody gave under.
    """
    wallet = _wallet(address)
    person = wallet.contributor
    given = Contribution.objects.filter(wallet__contributor=person, project__in=seen)
    if not given.exists():
        raise _nobody(wallet.address)
    own = ImpactDay.objects.filter(contributor=person, project__in=seen)
    days = part.within(own.order_by())
    shares = list(_latest_shares(person, seen, part))
    return Impact(
        address=wallet.address,
        contributor=person.name,
        totals=tuple(_totals(days, seen, part)),
        models=tuple(_models(days)),
        months=tuple(_months(days)),
        improvements=tuple(_impact_line(share) for share in shares),
        contributions=tuple(_given_lines(given, part, shares)),
    )


def _wallet(address: str) -> Wallet:
    try:
        normal = normalise_address(address)
    except InvalidAddress as error:
        raise NotFound(str(error), address=address) from error
    wallet = Wallet.objects.select_related("contributor").filter(address=normal).first()
    if wallet is None:
        raise _nobody(normal)
    return wallet


def _nobody(address: str) -> NotFound:
    return NotFound(f"No contribution under {address} that you may see.", address=address)


def credited_ppm(share: Share) -> int:
    """A share's part of what was confirmed, in millionths, rounded down."""
    return share.improvement.payable_ppm * share.basis_points // BASIS


def _totals(days: QuerySet[ImpactDay], seen: Projects, part: Slice) -> Iterable[MetricLine]:
    sums = days.values("metric").annotate(gain=Sum("gain_e10"), count=Sum("shares"))
    for row in sums.order_by("metric"):
        rank, people = _rank(row["metric"], row["gain"], seen, part)
        yield MetricLine(row["metric"], row["gain"] // BASIS, row["count"], rank, people)


def _rank(metric: str, gain_e10: int, seen: Projects, part: Slice) -> tuple[int, int]:
    """The place of a sum among those of everybody in the same part, and how many they are."""
    found = _standings(metric, seen, part).aggregate(
        people=Count("contributor"),
        ahead=Count("contributor", filter=Q(gain__gt=gain_e10)),
    )
    return 1 + found["ahead"], found["people"]


def _standings(metric: str, seen: Projects, part: Slice) -> QuerySet[Any, Any]:
    """One row per person: `gain` in millionths times basis points, `count` of shares."""
    if part.model_id or part.since or part.until:
        rows: QuerySet[Any] = part.within(ImpactDay.objects.filter(project__in=seen))
    else:
        rows = ImpactTotal.objects.filter(project__in=seen)
        if part.project:
            rows = rows.filter(project__slug=part.project)
    return (
        rows.filter(metric=metric)
        .order_by()
        .values("contributor")
        .annotate(gain=Sum("gain_e10"), count=Sum("shares"))
    )


def _models(days: QuerySet[ImpactDay]) -> Iterable[ModelLine]:
    sums = days.values("metric", name=F("model__model_id"))
    rows = sums.annotate(gain=Sum("gain_e10"), count=Sum("shares")).order_by("-gain")[:LINES]
    return (
        ModelLine(row["name"], row["metric"], row["gain"] // BASIS, row["count"]) for row in rows
    )


def _months(days: QuerySet[ImpactDay]) -> Iterable[MonthLine]:
    sums = days.annotate(month=TruncMonth("day")).values("month", "metric")
    rows = sums.annotate(gain=Sum("gain_e10")).order_by("month", "metric")
    return (MonthLine(row["month"], row["metric"], row["gain"] // BASIS) for row in rows)


def _latest_shares(person: Contributor, seen: Projects, part: Slice) -> QuerySet[Share]:
    return part.of_shares(
        Share.objects.filter(
            contribution__wallet__contributor=person, improvement__model__project__in=seen
        )
        .select_related(
            "contribution",
            "improvement__attestation",
            "improvement__model",
            "improvement__candidate",
            "improvement__comparison__benchmark",
        )
        # Statements and statistics are long, and no line shows them.
        .only(*_SHOWN)
        .order_by("-improvement_id")
    )[:LINES]


_SHOWN = (
    "basis_points",
    "contribution__id",
    "improvement__public_id",
    "improvement__delta_ppm",
    "improvement__payable_ppm",
    "improvement__payable_reason",
    "improvement__method",
    "improvement__model__model_id",
    "improvement__candidate__number",
    "improvement__comparison__decided_at",
    "improvement__comparison__benchmark__metric",
    "improvement__attestation__improvement",
    "improvement__attestation__status",
    "improvement__attestation__statement_id",
)


def _impact_line(share: Share) -> ImpactLine:
    improvement = share.improvement
    attestation: Attestation | None = getattr(improvement, "attestation", None)
    if attestation is not None and attestation.status != AttestationStatus.SIGNED:
        attestation = None
    return ImpactLine(
        improvement_id=improvement.public_id,
        model_id=improvement.model.model_id,
        version=improvement.candidate.number,
        metric=improvement.comparison.benchmark.metric,
        delta_ppm=improvement.delta_ppm,
        payable_ppm=improvement.payable_ppm,
        payable_reason=improvement.payable_reason,
        basis_points=share.basis_points,
        credited_ppm=credited_ppm(share) if attestation else 0,
        method=improvement.method,
        attestation_id=attestation.statement_id if attestation else None,
        decided_at=improvement.comparison.decided_at,
    )


def _given_lines(
    given: ContributionQuerySet, part: Slice, shares: list[Share]
) -> Iterable[GivenLine]:
    asked = {"project__slug": part.project, "model__model_id": part.model_id}
    shown = given.filter(**{name: value for name, value in asked.items() if value is not None})
    rows = list(
        shown.exclude(status=ContributionStatus.WITHDRAWN).with_names().order_by("-pk")[:LINES]
    )
    credit = _credit_of(rows)
    credited = credit.keys() | {share.contribution_id for share in shares}
    reasons = reasons_for(rows, credited)
    for row in rows:
        yield GivenLine(
            contribution_id=row.public_id,
            model_id=row.model.model_id,
            rows=row.dataset_version.row_count,
            status=row.status,
            reasons=tuple(reasons[row.pk]),
            credited_ppm=credit.get(row.pk, 0),
        )


def _credit_of(rows: list[Contribution]) -> dict[int, int]:
    credit: dict[int, int] = {}
    shares = Share.objects.filter(
        contribution__in=[row.pk for row in rows],
        improvement__attestation__status=AttestationStatus.SIGNED,
    ).select_related("improvement")
    for share in shares:
        credit[share.contribution_id] = credit.get(share.contribution_id, 0) + credited_ppm(share)
    return credit


def metrics_with_credit(seen: Projects) -> list[str]:
    """Metrics in which anybody is credited in these projects, by name."""
    rows = ImpactTotal.objects.filter(project__in=seen).order_by("metric")
    return list(rows.values_list("metric", flat=True).distinct())


def leaderboard(
    seen: Projects, metric: str, part: Slice = EVERYTHING, limit: int = 10
) -> list[Standing]:
    """Contributors by credit in one metric, the most credited first; equal credit, equal rank."""
    ranked = _standings(metric, seen, part).annotate(rank=Window(Rank(), order_by=F("gain").desc()))
    best = list(ranked.order_by("-gain", "contributor")[:limit])
    wallets = _first_wallets([row["contributor"] for row in best])
    return [
        Standing(
            rank=row["rank"],
            address=wallets[row["contributor"]].address,
            name=wallets[row["contributor"]].contributor.name,
            shares=row["count"],
            credited_ppm=row["gain"] // BASIS,
        )
        for row in best
    ]


def _first_wallets(people: list[int]) -> dict[int, Wallet]:
    """The oldest wallet of each person, by the person's key."""
    rows = Wallet.objects.filter(contributor__in=people).select_related("contributor")
    return {wallet.contributor_id: wallet for wallet in rows.order_by("-id")}
