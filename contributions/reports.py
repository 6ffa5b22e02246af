"""Reads of contributions and credit for pages and charts; only what the viewer may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, F, QuerySet, Sum, Window
from django.db.models.functions import Cast, DenseRank

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.choices import AttestationStatus, ContributionStatus
from contributions.fates import reasons_for
from contributions.models import (
    Attestation,
    Contribution,
    Contributor,
    Improvement,
    Share,
    Wallet,
)
from hokusai.core.errors import NotFound

BASIS = 10_000


@dataclass(frozen=True, slots=True)
class ImpactLine:
    """One improvement that a contributor has a share in; differences in millionths."""

    model_id: str
    version: int
    delta_ppm: int
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
    improvements: tuple[ImpactLine, ...]
    contributions: tuple[GivenLine, ...]
    total_credited_ppm: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class LeaderLine:
    """One contributor on the leaderboard; credit in millionths of gain."""

    address: str
    name: str
    improvements: int
    credited_ppm: int


@dataclass(frozen=True, slots=True)
class ImprovementsSummary:
    """All improvements that a viewer may see."""

    count: int
    total_delta_ppm: int
    attested: int
    contributors: int


def impact_of(address: str, user: Any) -> Impact:
    """What the person behind an address gave and earned, over all their wallets.

    Raises NotFound for an address that nobody gave under.
    """
    wallet = _wallet(address)
    person = wallet.contributor
    shares = list(_shares_of(person, user))
    return Impact(
        address=wallet.address,
        contributor=person.name,
        improvements=tuple(_impact_line(share) for share in shares),
        contributions=tuple(_given_lines(person, shares, user)),
        total_credited_ppm=sum(credited_ppm(share) for share in shares),
        rank=_rank_of(person, user),
    )


def _wallet(address: str) -> Wallet:
    try:
        normal = normalise_address(address)
    except InvalidAddress as error:
        raise NotFound(str(error), address=address) from error
    wallet = Wallet.objects.select_related("contributor").filter(address=normal).first()
    if wallet is None:
        raise NotFound(f"Nobody has contributed under {normal}.", address=normal)
    return wallet


def credited_ppm(share: Share) -> int:
    """A share's part of its improvement, in millionths, rounded down."""
    return share.improvement.delta_ppm * share.basis_points // BASIS


def _shares_of(person: Contributor, user: Any) -> QuerySet[Share]:
    return (
        Share.objects.visible_to(user)
        .filter(contribution__wallet__contributor=person)
        .select_related(
            "contribution",
            "improvement__attestation",
            "improvement__model",
            "improvement__candidate",
            "improvement__comparison",
        )
        .order_by("-improvement_id")
    )


def _impact_line(share: Share) -> ImpactLine:
    improvement = share.improvement
    attestation: Attestation | None = getattr(improvement, "attestation", None)
    if attestation is not None and attestation.status != AttestationStatus.SIGNED:
        attestation = None
    return ImpactLine(
        model_id=improvement.model.model_id,
        version=improvement.candidate.number,
        delta_ppm=improvement.delta_ppm,
        basis_points=share.basis_points,
        credited_ppm=credited_ppm(share),
        method=improvement.method,
        attestation_id=attestation.statement_id if attestation else None,
        decided_at=improvement.comparison.decided_at,
    )


def _given_lines(person: Contributor, shares: list[Share], user: Any) -> Iterable[GivenLine]:
    credit: dict[int, int] = {}
    for share in shares:
        credit[share.contribution_id] = credit.get(share.contribution_id, 0) + credited_ppm(share)
    given = Contribution.objects.visible_to(user).filter(wallet__contributor=person).with_names()
    rows = list(given.exclude(status=ContributionStatus.WITHDRAWN))
    reasons = reasons_for(rows, credit)
    for row in rows:
        yield GivenLine(
            contribution_id=row.public_id,
            model_id=row.model.model_id,
            rows=row.dataset_version.row_count,
            status=row.status,
            reasons=tuple(reasons[row.pk]),
            credited_ppm=credit.get(row.pk, 0),
        )


def _ranked(shares: QuerySet[Share]) -> QuerySet[Any, Any]:
    """One row per contributor: credit, improvements, rank by credit."""
    return (
        shares.order_by()
        .values(person=F("contribution__wallet__contributor"))
        .annotate(
            # A product of two integers does not fit an integer.
            credited=Sum(
                Cast("improvement__delta_ppm", BigIntegerField()) * F("basis_points") / BASIS
            ),
            improvements=Count("improvement", distinct=True),
        )
        .annotate(rank=Window(DenseRank(), order_by=F("credited").desc()))
        .order_by("-credited", "person")
    )


def _rank_of(person: Contributor, user: Any) -> int | None:
    for row in _ranked(Share.objects.visible_to(user)):
        if row["person"] == person.pk:
            return int(row["rank"])
    return None


def leaderboard(user: Any, limit: int = 10) -> list[LeaderLine]:
    """Contributors by credit in the user's projects, the most credited first."""
    best = list(_ranked(Share.objects.of_member(user))[:limit])
    wallets = (
        Wallet.objects.filter(contributor__in=[row["person"] for row in best])
        .select_related("contributor")
        .order_by("-id")
    )
    first = {wallet.contributor_id: wallet for wallet in wallets}
    return [
        LeaderLine(
            address=first[row["person"]].address,
            name=first[row["person"]].contributor.name,
            improvements=row["improvements"],
            credited_ppm=int(row["credited"]),
        )
        for row in best
    ]


def improvements_summary(user: Any) -> ImprovementsSummary:
    """Counts and the sum of gains in the user's projects."""
    improvements = Improvement.objects.of_member(user)
    totals = improvements.aggregate(count=Count("id"), total=Sum("delta_ppm"))
    shares = Share.objects.of_member(user)
    people = shares.aggregate(n=Count("contribution__wallet__contributor", distinct=True))
    return ImprovementsSummary(
        count=totals["count"],
        total_delta_ppm=totals["total"] or 0,
        attested=improvements.filter(attestation__status=AttestationStatus.SIGNED).count(),
        contributors=people["n"],
    )
