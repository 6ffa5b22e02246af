"""Credit as it is worked out and as it is written: who, how much, by which method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from contributions.algorithms.coalitions import MAX_PLAYERS, CoalitionError, check_players
from contributions.algorithms.intervals import Estimates
from contributions.algorithms.shares import (
    ROW_WEIGHTS,
    NothingToShare,
    SharesUnsound,
    Worth,
    check_shares,
    split_by_rows,
    split_by_values,
    split_over_contributions,
)
from contributions.attesting import ask_for_attestation
from contributions.choices import AttributionStatus
from contributions.exceptions import AttributionImpossible
from contributions.gifts import Gift, Person, gifts_of, people_of
from contributions.models import Attribution, Improvement, Share
from contributions.nodes import tell_of_improvement
from contributions.payment import Ground, payment_of
from experiments.models import Comparison
from hokusai.core.events import Actor, record

NO_CONTRIBUTION = "no-contribution"
BILLION = 1_000_000_000
PER_PPM = 1_000
# What the columns of a share hold.
LARGEST_PPM = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What a person's data is worth, in whole billionths; bounds None where rows are too few."""

    value: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Credit:
    """`shares`: basis points by contribution key, summing to 10,000, or empty.

    `values`: one per person, in their order; empty where none were measured. `error_bound` in
    billionths. `report_digest`: where all that led to it is kept.
    """

    method: str
    people: tuple[Person, ...]
    gifts: tuple[Gift, ...]
    shares: Mapping[int, int]
    values: tuple[Measured, ...] = ()
    evaluations: int = 0
    error_bound: int = 0
    has_control: bool = False
    reproduced: bool = False
    attributed_ppm: int | None = None
    report_digest: str = ""


def credit_by_rows(comparison: Comparison) -> Credit:
    """Split by rows that are new, where there is no control to measure against.

    Raises AttributionImpossible for too many persons, DatasetRefused, ContentMissing.
    """
    gifts = gifts_of(comparison)
    people = people_of(gifts)
    rows = {str(key): count for person in people for key, count in person.new_rows.items()}
    if not people:
        return Credit(NO_CONTRIBUTION, (), tuple(gifts), {})
    check_people(people)
    split = split_by_rows(rows)
    shares = {int(key): points for key, points in split.shares.items() if points}
    return Credit(ROW_WEIGHTS, tuple(people), tuple(gifts), shares)


def check_people(people: Sequence[Person]) -> None:
    """Raises AttributionImpossible for nobody, or more than can be credited."""
    try:
        check_players(len(people))
    except CoalitionError as error:
        raise AttributionImpossible(str(error), persons=len(people), limit=MAX_PLAYERS) from error


def measured(estimates: Estimates, error_bound: float) -> tuple[Measured, ...]:
    """Values in billionths, bounds widened by what sampling left open, to the worse side."""
    found = zip(estimates.values, estimates.low, estimates.high, strict=True)
    return tuple(
        Measured(
            value=math.floor(value * BILLION),
            low=_billionths(low - error_bound, math.floor),
            high=_billionths(high + error_bound, math.ceil),
        )
        for value, low, high in found
    )


def _billionths(bound: float, rounded: Any) -> int | None:
    return int(rounded(bound * BILLION)) if math.isfinite(bound) else None


def shares_of(people: Sequence[Person], values: Sequence[Measured]) -> dict[int, int]:
    """Basis points by contribution key; empty where nobody's lower bound is above zero."""
    worths = [
        Worth(
            address=person.address,
            value=value.value,
            low=value.low,
            rows={str(key): count for key, count in person.new_rows.items()},
        )
        for person, value in zip(people, values, strict=True)
    ]
    try:
        by_person = split_by_values(worths)
    except NothingToShare:
        return {}
    return {int(key): n for key, n in split_over_contributions(worths, by_person).items()}


def keep_credit(attribution: Attribution, credit: Credit, actor: Actor) -> None:
    """Write an attribution's result, in the caller's transaction; where it decides, the shares.

    Raises AttributionImpossible for shares that do not sum.
    """
    _keep_result(attribution, credit)
    improvement = attribution.improvement
    if improvement is None:
        _record(attribution, credit, actor, {})
        return
    try:
        check_shares(credit.shares)
    except SharesUnsound as error:
        raise AttributionImpossible(str(error)) from error
    _keep_payment(improvement, credit)
    Share.objects.bulk_create(_share_rows(improvement, credit))
    tell_of_improvement(improvement, dict(credit.shares))
    paid = {
        "payable_ppm": improvement.payable_ppm,
        "payable_reason": improvement.payable_reason,
    }
    _record(attribution, credit, actor, paid)
    ask_for_attestation(improvement)


def _keep_result(attribution: Attribution, credit: Credit) -> None:
    attribution.move_to(AttributionStatus.DONE)
    attribution.method, attribution.explanation = credit.method, ""
    attribution.players = [_player(person) for person in credit.people]
    attribution.values = _values(credit)
    attribution.evaluations = credit.evaluations
    attribution.error_bound_ppm = -(-credit.error_bound // PER_PPM)
    attribution.report_digest = credit.report_digest
    attribution.finished_at = timezone.now()
    attribution.save()


def _keep_payment(improvement: Improvement, credit: Credit) -> None:
    ground = Ground(
        method=credit.method,
        has_control=credit.has_control,
        reproduced=credit.reproduced,
        has_shares=bool(credit.shares),
        attributed_ppm=credit.attributed_ppm,
    )
    payment = payment_of(improvement, ground)
    improvement.method = credit.method
    improvement.payable_ppm, improvement.payable_reason = payment.ppm, payment.reason
    improvement.save(update_fields=["method", "payable_ppm", "payable_reason"])


def _share_rows(improvement: Improvement, credit: Credit) -> list[Share]:
    measured_of = dict(zip(_keys(credit.people), credit.values, strict=False))
    rows = []
    for person in credit.people:
        found = measured_of.get(person.contributor.pk)
        for gift in person.gifts:
            points = credit.shares.get(gift.contribution.pk, 0)
            if points:
                share = Share(
                    improvement=improvement,
                    contribution=gift.contribution,
                    contributor=person.contributor,
                    basis_points=points,
                )
                if found is not None:
                    share.value_ppm = ppm_of(found.value)
                    share.low_ppm, share.high_ppm = ppm_of(found.low), ppm_of(found.high, up=True)
                rows.append(share)
    return rows


def _keys(people: Sequence[Person]) -> list[int]:
    return [person.contributor.pk for person in people]


def ppm_of(value: int | None, *, up: bool = False) -> int | None:
    """Billionths as millionths, rounded down or up; None for what a column cannot hold."""
    if value is None:
        return None
    found = -(-value // PER_PPM) if up else value // PER_PPM
    return found if abs(found) <= LARGEST_PPM else None


def _player(person: Person) -> dict[str, Any]:
    return {
        "contributor": person.contributor.public_id,
        "address": person.address,
        "contributions": {gift.contribution.public_id: len(gift.keys) for gift in person.gifts},
    }


def _values(credit: Credit) -> list[dict[str, int | None]]:
    """Value, bounds and share of each person, in their order."""
    points = points_of(credit)
    if not credit.values:
        return [{"basis_points": found} for found in points]
    return [
        {
            "value_ppm": ppm_of(item.value),
            "low_ppm": ppm_of(item.low),
            "high_ppm": ppm_of(item.high, up=True),
            "basis_points": found,
        }
        for item, found in zip(credit.values, points, strict=True)
    ]


def points_of(credit: Credit) -> list[int]:
    """Basis points of each person, over what each gave."""
    return [sum(credit.shares.get(key, 0) for key in person.new_rows) for person in credit.people]


def _record(
    attribution: Attribution, credit: Credit, actor: Actor, paid: Mapping[str, object]
) -> None:
    improvement = attribution.credited
    decides = attribution.improvement is not None
    record(
        "improvement:attributed" if decides else "improvement:estimated",
        subject=improvement.public_id,
        actor=actor,
        project_id=improvement.project.pk,
        label=str(improvement),
        after={
            "attribution": attribution.public_id,
            "method": credit.method,
            "persons": len(credit.people),
            "evaluations": credit.evaluations,
            **paid,
        },
    )
