"""Counts of improvements for pages; only what the viewer may see."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from contributions.choices import AttestationStatus
from contributions.models import Improvement, Share


@dataclass(frozen=True, slots=True)
class ImprovementsSummary:
    """All improvements that a viewer may see. Gains are not summed: each had its own baseline."""

    count: int
    confirmed: int
    attested: int
    contributors: int


def improvements_summary(user: Any) -> ImprovementsSummary:
    """Counts in the user's projects."""
    improvements = Improvement.objects.of_member(user)
    shares = Share.objects.of_member(user)
    people = shares.aggregate(n=Count("contribution__wallet__contributor", distinct=True))
    return ImprovementsSummary(
        count=improvements.count(),
        confirmed=improvements.filter(payable_ppm__gt=0).count(),
        attested=improvements.filter(attestation__status=AttestationStatus.SIGNED).count(),
        contributors=people["n"],
    )
