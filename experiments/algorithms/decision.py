"""Whether a candidate is better than its baseline, on the same rows, under a policy.

All thresholds are integers in millionths of the metric's unit (`metrics.SCALE`); differences are
positive when the candidate is better, whatever the metric's direction. The observed gain is
compared without rounding; the printed integers are rounded to the worse side and are never used to
decide.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from experiments.algorithms.estimates import Estimate, Shortage, estimate
from experiments.algorithms.metrics.base import SCALE, OutcomeError
from experiments.algorithms.outcomes import MINIMUM_CLUSTERS, MINIMUM_ROWS, PairedOutcomes
from experiments.algorithms.slices import SliceResult, measure_slices
from experiments.algorithms.spending import alpha_for_attempt

__all__ = [
    "Decision",
    "Guardrail",
    "GuardrailResult",
    "PairedOutcomes",
    "Policy",
    "Reason",
    "SliceResult",
    "confirm",
    "decide",
]

P_SCALE = 1_000_000_000
WIDEST = 2**53 - 1


class Reason(StrEnum):
    """Why a comparison was decided as it was."""

    ACCEPTED = "accepted"
    TOO_FEW_ROWS = "too_few_rows"
    TOO_FEW_CLUSTERS = "too_few_clusters"
    GUARDRAIL_MISSING = "guardrail_missing"
    REGRESSION = "regression"
    BELOW_MARGIN = "below_margin"
    BELOW_MINIMUM_GAIN = "below_minimum_gain"
    GUARDRAIL_FAILED = "guardrail_failed"


SENTENCES: dict[Reason, str] = {
    Reason.ACCEPTED: "The candidate is better than the baseline by more than the margin.",
    Reason.TOO_FEW_ROWS: f"The comparison needs at least {MINIMUM_ROWS} rows.",
    Reason.TOO_FEW_CLUSTERS: f"The comparison needs at least {MINIMUM_CLUSTERS} clusters of rows.",
    Reason.GUARDRAIL_MISSING: "A guardrail of the policy was not measured.",
    Reason.REGRESSION: "The candidate scores worse than the baseline.",
    Reason.BELOW_MARGIN: "The gain is not shown to exceed the margin at this attempt's level.",
    Reason.BELOW_MINIMUM_GAIN: "The observed gain is below the minimum gain.",
    Reason.GUARDRAIL_FAILED: "A guardrail may be harmed by more than its margin.",
}


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that may get worse by at most `margin` millionths."""

    metric: str
    margin: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What must be shown: margins and gains in millionths, `alpha` one-sided over all attempts."""

    metric: str
    margin: int = 0
    minimum_gain: int = SCALE // 100
    alpha: float = 0.025
    guardrails: tuple[Guardrail, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """One guardrail: `harm_upper` is the upper bound of the harm in millionths, rounded up."""

    metric: str
    margin: int
    harm_upper: int | None
    passed: bool
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and every number behind it.

    Scores, delta and interval are integers in millionths, rounded to the worse side. The interval
    is two-sided at `level` = 1 - 2 alpha_k, so that its low end is the bound that decides.
    `p_e9`, `alpha_e9` and `level_e9` are integers in billionths: p rounded up, the others down.
    `clusters` is None where rows come alone.
    """

    accepted: bool
    reason: Reason
    sentence: str
    metric: str
    attempt: int
    n: int
    baseline_score: int
    candidate_score: int
    delta_ppm: int
    interval_low: int
    interval_high: int
    level: float
    level_e9: int
    p_value: float
    p_e9: int
    alpha_k: float
    alpha_e9: int
    b: int | None
    c: int | None
    interval_method: str
    test_method: str
    guardrails: tuple[GuardrailResult, ...]
    clusters: int | None = None
    weighted: bool = False
    slices: tuple[SliceResult, ...] = ()


def decide(
    policy: Policy,
    attempt: int,
    outcomes: Mapping[str, PairedOutcomes],
    seed: int,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Decision:
    """Decide one comparison. `outcomes` maps the names used in the policy to their outcomes.

    Accepted iff the lower bound at 1 - alpha_k exceeds the margin (at margin 0 also the mid-p is
    at most alpha_k, for proportions), the observed gain reaches the minimum, and every guardrail
    is present with the upper bound of its harm within its margin. Guardrails use alpha_k too:
    all must pass, so the error rate of the whole stays at alpha_k. `slices` maps a column to the
    values of the deciding metric's rows; slices are told, and decide nothing.

    Raises:
        OutcomeError: the policy's metric was not measured.
        ValueError: alpha or the attempt is out of range.
    """
    if policy.metric not in outcomes:
        raise OutcomeError(f"The metric {policy.metric!r} was not measured.")
    alpha_k = alpha_for_attempt(policy.alpha, attempt)
    primary = estimate(outcomes[policy.metric], alpha_k, policy.margin, seed)
    guardrails = tuple(_guard(item, outcomes, alpha_k, seed) for item in policy.guardrails)
    reason = _reason(policy, primary, alpha_k, guardrails)
    return _summarise(
        policy=policy,
        attempt=attempt,
        alpha=alpha_k,
        primary=primary,
        guardrails=guardrails,
        reason=reason,
        slices=measure_slices(outcomes[policy.metric], slices or {}, alpha_k, seed),
    )


def confirm(
    policy: Policy, attempt: int, outcomes: Mapping[str, PairedOutcomes], seed: int
) -> Decision:
    """Decide on rows kept for confirmation: the gain must exceed the margin, and nothing else.

    `attempt` counts on these rows alone. Raises OutcomeError, ValueError.
    """
    bare = replace(policy, minimum_gain=0, guardrails=())
    return decide(bare, attempt, outcomes, seed)


def _guard(
    guardrail: Guardrail, outcomes: Mapping[str, PairedOutcomes], alpha: float, seed: int
) -> GuardrailResult:
    if guardrail.metric not in outcomes:
        return GuardrailResult(guardrail.metric, guardrail.margin, None, passed=False)
    found = estimate(outcomes[guardrail.metric], alpha, -guardrail.margin, seed)
    harm = -found.low
    passed = harm <= guardrail.margin
    upper = math.ceil(harm) if math.isfinite(harm) else None
    return GuardrailResult(guardrail.metric, guardrail.margin, upper, passed, found)


def _reason(
    policy: Policy, primary: Estimate, alpha: float, guardrails: tuple[GuardrailResult, ...]
) -> Reason:
    exceeds_margin = primary.low > policy.margin and primary.p_value <= alpha
    hurdles = (
        (primary.shortage == Shortage.CLUSTERS, Reason.TOO_FEW_CLUSTERS),
        (primary.shortage == Shortage.ROWS, Reason.TOO_FEW_ROWS),
        (any(item.estimate is None for item in guardrails), Reason.GUARDRAIL_MISSING),
        (primary.gain_sum < 0, Reason.REGRESSION),
        (not exceeds_margin, Reason.BELOW_MARGIN),
        (not primary.reaches(policy.minimum_gain), Reason.BELOW_MINIMUM_GAIN),
        (not all(item.passed for item in guardrails), Reason.GUARDRAIL_FAILED),
    )
    return next((reason for failed, reason in hurdles if failed), Reason.ACCEPTED)


def _summarise(
    *,
    policy: Policy,
    attempt: int,
    alpha: float,
    primary: Estimate,
    guardrails: tuple[GuardrailResult, ...],
    reason: Reason,
    slices: tuple[SliceResult, ...],
) -> Decision:
    counts, level = primary.discordant, 1 - 2 * alpha
    return Decision(
        accepted=reason == Reason.ACCEPTED,
        reason=reason,
        sentence=SENTENCES[reason],
        metric=policy.metric,
        attempt=attempt,
        n=primary.n,
        baseline_score=primary.baseline_score,
        candidate_score=primary.candidate_score,
        delta_ppm=primary.delta_ppm,
        interval_low=_floor(primary.low),
        interval_high=_floor(primary.high),
        level=level,
        level_e9=math.floor(level * P_SCALE),
        p_value=primary.p_value,
        p_e9=math.ceil(primary.p_value * P_SCALE),
        alpha_k=alpha,
        alpha_e9=math.floor(alpha * P_SCALE),
        b=counts.b if counts else None,
        c=counts.c if counts else None,
        interval_method=primary.interval_method,
        test_method=primary.test_method,
        guardrails=guardrails,
        clusters=primary.clusters,
        weighted=primary.weighted,
        slices=slices,
    )


def _floor(bound: float) -> int:
    # Without a bound the integer is the widest that a statement can hold.
    return math.floor(min(max(bound, -float(WIDEST)), float(WIDEST)))
