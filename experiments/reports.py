"""Reads of the experiments for pages and charts; what leaks is spent, so most see little."""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncWeek

from experiments.choices import ComparisonStatus, EvaluationRole
from experiments.comparison_views import (
    ComparisonView,
    ConfusionView,
    comparison_view,
    evaluation_score,
)
from experiments.models import Benchmark, Comparison
from registry.models import Model
from registry.reports import week_label, weeks_until_now

__all__ = [
    "ComparisonView",
    "ConfusionView",
    "MeasuredHistory",
    "MeasuredScore",
    "WeekOfDecisions",
    "comparison_view",
    "decided_per_week",
    "evaluation_score",
    "measured_history",
]

COMPARISONS_MEASURED = 50
BASELINE = EvaluationRole.BASELINE.value
_VERDICTS = (ComparisonStatus.ACCEPTED.value, ComparisonStatus.REFUSED.value, BASELINE)


@dataclass(frozen=True, slots=True)
class WeekOfDecisions:
    """Comparisons decided in the week that begins on the labelled day."""

    label: str
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class MeasuredScore:
    """What one version scored on a benchmark, in millionths, and what was decided of it.

    `verdict` is accepted or refused for a candidate, baseline for what was only compared with.
    """

    version_id: int
    number: int
    score_ppm: int
    verdict: str
    rounded: bool


@dataclass(frozen=True, slots=True)
class MeasuredHistory:
    """Versions of one model on one benchmark, by number."""

    benchmark: Benchmark
    scores: tuple[MeasuredScore, ...]


def measured_history(model: Model, user: Any) -> MeasuredHistory | None:
    """What the newest comparisons measured on the benchmark that decided last.

    Scores are those of `comparison_view`: of a refused attempt, rounded for most. None where
    nothing was decided that the viewer may see.
    """
    decided = Comparison.objects.visible_to(user).decided().filter(candidate__model=model)
    last = decided.select_related("benchmark").first()
    if last is None:
        return None
    comparisons = (
        decided.filter(benchmark=last.benchmark)
        .with_names()
        .prefetch_related("evaluations")[:COMPARISONS_MEASURED]
    )
    known: dict[int, MeasuredScore] = {}
    for comparison in comparisons:
        for score in _measured(comparison, user):
            known[score.number] = _better_known(known.get(score.number), score)
    return MeasuredHistory(last.benchmark, tuple(known[number] for number in sorted(known)))


def _measured(comparison: Comparison, user: Any) -> list[MeasuredScore]:
    view = comparison_view(comparison, user)
    found = (
        (comparison.baseline, view.score_baseline, BASELINE),
        (comparison.candidate, view.score_candidate, view.status),
    )
    return [
        MeasuredScore(version.pk, version.number, score, verdict, view.rounded)
        for version, score, verdict in found
        if score is not None and version.model_id == comparison.candidate.model_id
    ]


def _better_known(one: MeasuredScore | None, other: MeasuredScore) -> MeasuredScore:
    """The exact score of the two, with the verdict that says most."""
    if one is None:
        return other
    exact = other if one.rounded else one
    verdict = min(one.verdict, other.verdict, key=_VERDICTS.index)
    return replace(exact, verdict=verdict)


def decided_per_week(user: Any, weeks: int = 12) -> list[WeekOfDecisions]:
    """Comparisons accepted and refused in each week in the user's projects."""
    mondays = weeks_until_now(weeks)
    counted = (
        Comparison.objects.of_member(user)
        .decided()
        .filter(decided_at__date__gte=mondays[0])
        .annotate(week=TruncWeek("decided_at"))
        .order_by("week")
        .values_list("week", "status")
        .annotate(count=Count("id"))
    )
    counts = {(week.date(), status): count for week, status, count in counted}
    return [
        WeekOfDecisions(
            week_label(monday),
            accepted=counts.get((monday, ComparisonStatus.ACCEPTED), 0),
            refused=counts.get((monday, ComparisonStatus.REFUSED), 0),
        )
        for monday in mondays
    ]
