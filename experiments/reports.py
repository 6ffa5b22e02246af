"""Reads of the experiments for pages and charts; what leaks is spent, so most see little."""

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncWeek

from experiments.choices import ComparisonStatus, EvaluationRole
from experiments.models import Benchmark, Comparison, Evaluation
from registry.models import Model
from registry.reports import week_label, weeks_until_now

# A refused attempt's score is told to the whole percentage point.
ROUNDED_PPM = 10_000
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
class GuardrailView:
    """One guardrail: the harm's upper bound must stay within the margin; both in millionths."""

    metric: str
    margin_ppm: int
    harm_upper_ppm: int | None
    passed: bool


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """Counts by true label (rows) and predicted label (columns)."""

    role: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """What one viewer may see of a comparison; scores and differences in millionths.

    Interval and p-value are for stewards, and for all once accepted; guardrail bounds likewise;
    confusions for stewards alone. Scores are rounded where `rounded` says so.
    """

    comparison_id: str
    status: str
    metric: str
    attempt: int
    reason: str
    explanation: str
    score_baseline: int | None
    score_candidate: int | None
    rounded: bool
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    p_value: float | None
    guardrails: tuple[GuardrailView, ...]
    confusions: tuple[ConfusionView, ...]


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
        .select_related("benchmark__project", "baseline", "candidate")
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


def comparison_view(comparison: Comparison, user: Any) -> ComparisonView:
    """What this viewer may see of a comparison."""
    steward = user.has_perm("experiments.view_outcomes", comparison)
    accepted = comparison.status == ComparisonStatus.ACCEPTED
    whole = steward or accepted
    evaluations = {row.role: row for row in comparison.evaluations.all()}
    metric = comparison.benchmark.metric

    def score_of(role: EvaluationRole) -> int | None:
        return _score(evaluations.get(role), metric, rounded=not whole)

    return ComparisonView(
        comparison_id=comparison.public_id,
        status=comparison.status,
        metric=metric,
        attempt=comparison.attempt,
        reason=comparison.reason if whole or not evaluations else "",
        explanation=comparison.explanation if whole or not evaluations else "",
        score_baseline=score_of(EvaluationRole.BASELINE),
        score_candidate=score_of(EvaluationRole.CANDIDATE),
        rounded=not whole,
        delta_ppm=comparison.delta_ppm if whole else None,
        low_ppm=comparison.low_ppm if whole else None,
        high_ppm=comparison.high_ppm if whole else None,
        p_value=comparison.p_value if whole else None,
        guardrails=_guardrails(comparison) if whole else (),
        confusions=_confusions(evaluations) if steward else (),
    )


def _score(evaluation: Evaluation | None, metric: str, *, rounded: bool) -> int | None:
    if evaluation is None or metric not in evaluation.scores:
        return None
    score = int(evaluation.scores[metric])
    return round(score / ROUNDED_PPM) * ROUNDED_PPM if rounded else score


def _guardrails(comparison: Comparison) -> tuple[GuardrailView, ...]:
    return tuple(
        GuardrailView(
            metric=row["metric"],
            margin_ppm=row["margin"],
            harm_upper_ppm=row["harm_upper"],
            passed=row["passed"],
        )
        for row in comparison.statistics.get("guardrails", ())
    )


def _confusions(evaluations: dict[str, Evaluation]) -> tuple[ConfusionView, ...]:
    return tuple(
        ConfusionView(
            role=role,
            labels=tuple(str(label) for label in evaluations[role].confusion["labels"]),
            counts=tuple(tuple(row) for row in evaluations[role].confusion["counts"]),
        )
        for role in (EvaluationRole.BASELINE, EvaluationRole.CANDIDATE)
        if role in evaluations and evaluations[role].confusion.get("labels")
    )
