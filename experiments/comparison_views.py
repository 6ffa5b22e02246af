"""What one viewer may see of a comparison; what leaks is spent, so most see little."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.choices import ComparisonStatus, ConfirmationStatus, EvaluationRole, Split
from experiments.models import Comparison, Confirmation, Evaluation
from experiments.registered_metrics import metric_of

# A refused attempt's score is told to the whole percentage point.
ROUNDED_PPM = 10_000
# Scores in units of the label have no percentage points: they keep two digits.
ROUNDED_DIGITS = 2
PPM = 1_000_000


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
class SliceView:
    """The deciding metric where `column` is `value`; p two-sided, and corrected after Holm."""

    column: str
    value: str
    rows: int
    score_baseline: int | None
    score_candidate: int | None
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    p_value: float | None
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class EffectView:
    """A difference in millionths with its interval."""

    delta_ppm: int
    low_ppm: int | None
    high_ppm: int | None
    p_value: float


@dataclass(frozen=True, slots=True)
class LookView:
    """The same gain by a method that decides nothing; bounds in millionths."""

    method: str
    low_ppm: int | None
    high_ppm: int | None
    p_value: float


@dataclass(frozen=True, slots=True)
class CreditView:
    """What the added data did (candidate minus control) and what the engineering did."""

    data: EffectView
    engineering: EffectView


@dataclass(frozen=True, slots=True)
class SeedsView:
    """The gain under each seed of the training, in millionths, and its sample deviation."""

    seeds: tuple[int, ...]
    deltas_ppm: tuple[int, ...]
    effects_ppm: tuple[int, ...]
    sd_ppm: int


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """What the rows kept for it say; numbers once confirmed, and to stewards."""

    status: str
    explanation: str
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """What one viewer may see of a comparison; scores and differences in millionths.

    Interval, p-value, guardrail bounds, credit and seeds are for stewards, and for all once
    accepted; slices, other methods and confusions for stewards alone. Scores are rounded where
    `rounded` says so.
    """

    comparison_id: str
    status: str
    metric: str
    unit: str
    attempt: int
    reason: str
    explanation: str
    score_baseline: int | None
    score_candidate: int | None
    rounded: bool
    rows: int | None
    clusters: int | None
    weighted: bool
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    p_value: float | None
    alpha: float | None
    guardrails: tuple[GuardrailView, ...]
    slices: tuple[SliceView, ...]
    looks: tuple[LookView, ...]
    confusions: tuple[ConfusionView, ...]
    credit: CreditView | None
    seeds: SeedsView | None
    confirmation: ConfirmationView | None


def comparison_view(comparison: Comparison, user: Any) -> ComparisonView:
    """What this viewer may see of a comparison."""
    steward = _is_steward(comparison, user)
    whole = steward or comparison.status == ComparisonStatus.ACCEPTED
    evaluations = {
        row.role: row for row in comparison.evaluations.all() if row.split == Split.SCREENING
    }
    metric, found = comparison.benchmark.metric, comparison.findings if whole else {}

    def score_of(role: EvaluationRole) -> int | None:
        return _score(evaluations.get(role), metric, rounded=not whole)

    return ComparisonView(
        comparison_id=comparison.public_id,
        status=comparison.status,
        metric=metric,
        unit=metric_of(metric).unit,
        attempt=comparison.attempt,
        reason=comparison.reason if whole or not evaluations else "",
        explanation=comparison.explanation if whole or not evaluations else "",
        score_baseline=score_of(EvaluationRole.BASELINE),
        score_candidate=score_of(EvaluationRole.CANDIDATE),
        rounded=not whole,
        rows=found.get("n"),
        clusters=found.get("clusters"),
        weighted=bool(found.get("weighted")),
        delta_ppm=comparison.delta_ppm if whole else None,
        low_ppm=comparison.low_ppm if whole else None,
        high_ppm=comparison.high_ppm if whole else None,
        p_value=comparison.p_value if whole else None,
        alpha=found.get("alpha_k"),
        guardrails=_guardrails(found),
        slices=_slices(found) if steward else (),
        looks=tuple(LookView(**row) for row in found.get("looks", ())) if steward else (),
        confusions=_confusions(evaluations) if steward else (),
        credit=_credit(found),
        seeds=_seeds(found),
        confirmation=_confirmation(comparison, steward=steward),
    )


def evaluation_score(evaluation: Evaluation, user: Any) -> tuple[int | None, bool]:
    """The deciding metric's score of one half as this viewer may see it, and whether rounded."""
    comparison = evaluation.comparison
    whole = comparison.status == ComparisonStatus.ACCEPTED or _is_steward(comparison, user)
    return _score(evaluation, comparison.benchmark.metric, rounded=not whole), not whole


def _is_steward(comparison: Comparison, user: Any) -> bool:
    return bool(user.has_perm("experiments.view_outcomes", comparison))


def rounded_score(score_ppm: int, metric: str) -> int:
    """A score as those hear it who compete: whole percentage points, or two digits."""
    if "share" in metric_of(metric).unit or abs(score_ppm) <= PPM:
        return round(score_ppm / ROUNDED_PPM) * ROUNDED_PPM
    step = 10 ** (len(str(abs(score_ppm))) - ROUNDED_DIGITS)
    return round(score_ppm / step) * step


def _score(evaluation: Evaluation | None, metric: str, *, rounded: bool) -> int | None:
    if evaluation is None or metric not in evaluation.scores:
        return None
    score = int(evaluation.scores[metric])
    return rounded_score(score, metric) if rounded else score


def _guardrails(found: Mapping[str, Any]) -> tuple[GuardrailView, ...]:
    return tuple(
        GuardrailView(
            metric=row["metric"],
            margin_ppm=row["margin"],
            harm_upper_ppm=row["harm_upper"],
            passed=row["passed"],
        )
        for row in found.get("guardrails", ())
    )


def _slices(found: Mapping[str, Any]) -> tuple[SliceView, ...]:
    return tuple(
        SliceView(
            column=row["column"],
            value=row["value"],
            rows=row["n"],
            score_baseline=row["baseline_score"],
            score_candidate=row["candidate_score"],
            delta_ppm=row["delta_ppm"],
            low_ppm=row["low"],
            high_ppm=row["high"],
            p_value=row["p_value"],
            p_holm=row["p_holm"],
        )
        for row in found.get("slices", ())
    )


def _confusions(evaluations: Mapping[str, Evaluation]) -> tuple[ConfusionView, ...]:
    return tuple(
        ConfusionView(
            role=role,
            labels=tuple(str(label) for label in evaluations[role].confusion["labels"]),
            counts=tuple(tuple(row) for row in evaluations[role].confusion["counts"]),
        )
        for role in (EvaluationRole.BASELINE, EvaluationRole.CANDIDATE)
        if role in evaluations and evaluations[role].confusion.get("labels")
    )


def _credit(found: Mapping[str, Any]) -> CreditView | None:
    control = found.get("control")
    if not control:
        return None
    return CreditView(EffectView(**control["data"]), EffectView(**control["engineering"]))


def _seeds(found: Mapping[str, Any]) -> SeedsView | None:
    seeds = found.get("seeds")
    if not seeds:
        return None
    return SeedsView(
        seeds=tuple(seeds["seeds"]),
        deltas_ppm=tuple(seeds["deltas_ppm"]),
        effects_ppm=tuple(seeds["effects_ppm"]),
        sd_ppm=seeds["sd_ppm"],
    )


def _confirmation(comparison: Comparison, *, steward: bool) -> ConfirmationView | None:
    found: Confirmation | None = getattr(comparison, "confirmation", None)
    if found is None:
        return None
    whole = steward or found.status == ConfirmationStatus.CONFIRMED
    failed = found.status == ConfirmationStatus.FAILED
    return ConfirmationView(
        status=found.status,
        explanation=found.explanation if whole or failed else "",
        delta_ppm=found.delta_ppm if whole else None,
        low_ppm=found.low_ppm if whole else None,
        high_ppm=found.high_ppm if whole else None,
        p_value=found.p_value if whole else None,
    )
