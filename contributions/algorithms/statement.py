"""The statement that an attestation signs: an in-toto statement about one accepted improvement.

Integers and texts only. Metric values are in millionths (`scale`), differences positive when
better; probabilities are in billionths (`...E9`); shares are basis points. The JSON Schema lies
beside this module in `model-improvement-v1.schema.json`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from contributions.algorithms.addresses import normalise_address
from contributions.algorithms.statement_parts import (
    Artifact,
    Benchmark,
    ContributionShare,
    DecisionRecord,
    Evaluation,
    Evaluator,
    GuardrailOutcome,
    Interval,
    Issuer,
    MetricRecord,
    PolicyRecord,
    SignificanceTest,
)
from contributions.algorithms.statement_rules import (
    ACCOUNT_PREFIX,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    TIME_FORMAT,
    StatementError,
    load_schema,
    statement_id,
    validate_statement,
)

__all__ = [
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Artifact",
    "Benchmark",
    "ContributionShare",
    "DecisionRecord",
    "Evaluation",
    "Evaluator",
    "GuardrailOutcome",
    "Interval",
    "Issuer",
    "MetricRecord",
    "PolicyRecord",
    "SignificanceTest",
    "StatementError",
    "build_statement",
    "load_schema",
    "statement_id",
    "validate_statement",
]

SCALE = 1_000_000


def build_statement(
    *,
    subject: Artifact,
    baseline: Artifact,
    benchmark: Benchmark,
    evaluation: Evaluation,
    metrics: Sequence[MetricRecord],
    decision: DecisionRecord,
    contributions: Sequence[ContributionShare],
    attribution_method: str,
    issuer: Issuer,
    issued_on: datetime,
) -> dict[str, Any]:
    """Build and check the statement; equal input gives equal canonical bytes.

    Metrics are listed with the primary one first, then by name; contributions by id.

    Raises:
        StatementError: see `validate_statement`; also a time without a zone.
        InvalidAddress: a contributor's address is not one.
    """
    if issued_on.tzinfo is None:
        raise StatementError("The time of issue has no zone.")
    ordered = sorted(metrics, key=lambda metric: (not metric.primary, metric.name))
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [_artifact(subject)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "baseline": _artifact(baseline),
            "benchmark": _benchmark(benchmark),
            "evaluation": _evaluation(evaluation),
            "metrics": [_metric(metric) for metric in ordered],
            "decision": _decision(decision),
            "contributions": [
                _contribution(item) for item in sorted(contributions, key=lambda item: item.id)
            ],
            "attribution": {"method": attribution_method},
            "issuer": {"instance": issuer.instance, "environment": issuer.environment},
            "issuedOn": issued_on.astimezone(UTC).strftime(TIME_FORMAT),
        },
    }
    validate_statement(statement)
    return statement


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {"name": artifact.name, "uri": artifact.uri, "digest": _sha256(artifact.digest)}


def _benchmark(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "id": benchmark.id,
        "digest": _sha256(benchmark.digest),
        "specDigest": _sha256(benchmark.spec_digest),
        "sampleCount": benchmark.sample_count,
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    evaluator = evaluation.evaluator
    return {
        "comparisonId": evaluation.comparison_id,
        "seed": evaluation.seed,
        "attempt": evaluation.attempt,
        "evaluator": {
            "lockDigest": _sha256(evaluator.lock_digest),
            "revision": evaluator.revision,
            "isolationTier": evaluator.isolation_tier,
        },
        "outcomes": {
            "baseline": _sha256(evaluation.baseline_outcomes_digest),
            "candidate": _sha256(evaluation.candidate_outcomes_digest),
        },
    }


def _metric(metric: MetricRecord) -> dict[str, Any]:
    sign = 1 if metric.direction == "higher" else -1
    interval, test = metric.interval, metric.test
    record: dict[str, Any] = {
        "name": metric.name,
        "primary": metric.primary,
        "direction": metric.direction,
        "kind": metric.kind,
        "unit": metric.unit,
        "scale": SCALE,
        "baseline": metric.baseline,
        "candidate": metric.candidate,
        "delta": sign * (metric.candidate - metric.baseline),
        "interval": {
            "levelE9": interval.level_e9,
            "low": interval.low,
            "high": interval.high,
            "method": interval.method,
        },
        "test": {"method": test.method, "pE9": test.p_e9, "alphaE9": test.alpha_e9},
    }
    return record | _optional_parts(metric)


def _optional_parts(metric: MetricRecord) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if metric.discordant is not None:
        only_baseline, only_candidate = metric.discordant
        parts["discordant"] = {"baselineOnly": only_baseline, "candidateOnly": only_candidate}
    if (guardrail := metric.guardrail) is not None:
        parts["guardrail"] = {
            "margin": guardrail.margin,
            "harmUpper": guardrail.harm_upper,
            "passed": guardrail.passed,
        }
    return parts


def _decision(decision: DecisionRecord) -> dict[str, Any]:
    policy = decision.policy
    return {
        "policy": {
            "name": policy.name,
            "metric": policy.metric,
            "margin": policy.margin,
            "minimumGain": policy.minimum_gain,
            "alphaE9": policy.alpha_e9,
            "guardrails": [
                {"metric": name, "margin": margin} for name, margin in policy.guardrails
            ],
        },
        "accepted": decision.accepted,
        "reason": decision.reason,
    }


def _contribution(item: ContributionShare) -> dict[str, Any]:
    return {
        "id": item.id,
        "contributor": ACCOUNT_PREFIX + normalise_address(item.address),
        "digest": _sha256(item.digest),
        "rows": item.rows,
        "licence": item.licence,
        "weightBps": item.weight_bps,
    }
