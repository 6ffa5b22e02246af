"""The statement that an attestation signs: an in-toto statement about one accepted improvement.

Integers and texts only. Metric values are in millionths (`scale`), differences positive when
better; probabilities are in billionths (`...E9`); shares are basis points. The JSON Schemas lie in
`docs/attestation/schemas`; statements of version 1 are read, new ones are of version 2.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contributions.algorithms.addresses import normalise_address
from contributions.algorithms.statement_parts import (
    Artifact,
    Attempt,
    AttributionRecord,
    Benchmark,
    ConfirmationRecord,
    ContributionShare,
    Credit,
    DecisionRecord,
    Evaluation,
    Evaluator,
    Findings,
    GuardrailOutcome,
    Interval,
    Issuer,
    MetricRecord,
    NoConfirmation,
    PolicyRecord,
    SeedSpread,
    SignificanceTest,
)
from contributions.algorithms.statement_rules import (
    ACCOUNT_PREFIX,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    TIME_FORMAT,
    StatementError,
    statement_id,
    validate_statement,
)

__all__ = [
    "PREDICATE_TYPE",
    "Artifact",
    "Attempt",
    "AttributionRecord",
    "Benchmark",
    "ConfirmationRecord",
    "ContributionShare",
    "Credit",
    "DecisionRecord",
    "Evaluation",
    "Evaluator",
    "Findings",
    "GuardrailOutcome",
    "Interval",
    "Issuer",
    "MetricRecord",
    "NoConfirmation",
    "PolicyRecord",
    "SeedSpread",
    "SignificanceTest",
    "StatementError",
    "build_statement",
    "statement_id",
    "validate_statement",
    "written_time",
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
    findings: Findings,
    attribution: AttributionRecord,
    contributions: Sequence[ContributionShare],
    issuer: Issuer,
    issued_on: datetime,
    expires_on: datetime,
) -> dict[str, Any]:
    """Build and check the statement; equal input gives equal canonical bytes.

    Metrics are listed with the primary one first, then by name; contributions by id.

    Raises:
        StatementError: see `validate_statement`; also a time without a zone.
        InvalidAddress: a contributor's address is not one.
    """
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
            **_findings(findings),
            "contributions": [
                _contribution(item) for item in sorted(contributions, key=lambda item: item.id)
            ],
            "attribution": _attribution(attribution),
            "issuer": {"instance": issuer.instance, "environment": issuer.environment},
            "issuedOn": written_time(issued_on),
            "expiresOn": written_time(expires_on),
        },
    }
    validate_statement(statement)
    return statement


def written_time(moment: datetime) -> str:
    """A moment as statements write it: UTC, whole seconds. Raises StatementError without a zone."""
    if moment.tzinfo is None:
        raise StatementError("The time of issue has no zone.")
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest}


def _digests(named: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: _sha256(digest) for name, digest in named.items()}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {"name": artifact.name, "uri": artifact.uri, "digest": _sha256(artifact.digest)}


def _benchmark(benchmark: Benchmark) -> dict[str, Any]:
    return {
        "id": benchmark.id,
        "digest": _sha256(benchmark.digest),
        "specDigest": _sha256(benchmark.spec_digest),
        "sampleCount": benchmark.sample_count,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "alphaE9": attempt.alpha_e9,
        "record": _sha256(attempt.record),
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    evaluator = evaluation.evaluator
    stated: dict[str, Any] = {
        "comparisonId": evaluation.comparison_id,
        "seed": evaluation.seed,
        "rows": evaluation.rows,
        "weighted": evaluation.weighted,
        "attempt": _attempt(evaluation.attempt),
        "evaluator": {
            "lockDigest": _sha256(evaluator.lock_digest),
            "revision": evaluator.revision,
            "isolationTier": evaluator.isolation_tier,
        },
        "outcomes": _digests(evaluation.outcomes),
        "evidence": _digests(evaluation.evidence),
    }
    return stated if evaluation.clusters is None else stated | {"clusters": evaluation.clusters}


def _interval(interval: Interval) -> dict[str, Any]:
    return {
        "levelE9": interval.level_e9,
        "low": interval.low,
        "high": interval.high,
        "method": interval.method,
    }


def _test(test: SignificanceTest) -> dict[str, Any]:
    return {"method": test.method, "pE9": test.p_e9, "alphaE9": test.alpha_e9}


def _metric(metric: MetricRecord) -> dict[str, Any]:
    sign = 1 if metric.direction == "higher" else -1
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
        "interval": _interval(metric.interval),
        "test": _test(metric.test),
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


def _findings(findings: Findings) -> dict[str, Any]:
    stated: dict[str, Any] = {"confirmation": _confirmation(findings.confirmation)}
    if (credit := findings.credit) is not None:
        stated["credit"] = {
            "dataEffect": credit.data_effect,
            "engineeringEffect": credit.engineering_effect,
        }
    if (spread := findings.seed_spread) is not None:
        stated["seedSpread"] = {
            "seeds": spread.seeds,
            "lowest": spread.lowest,
            "highest": spread.highest,
        }
    return stated


def _confirmation(found: ConfirmationRecord | NoConfirmation) -> dict[str, Any]:
    if isinstance(found, NoConfirmation):
        return {"absent": found.reason}
    return {
        "confirmed": found.confirmed,
        "rows": found.rows,
        "attempt": _attempt(found.attempt),
        "outcomes": _digests(found.outcomes),
        "delta": found.delta,
        "interval": _interval(found.interval),
        "test": _test(found.test),
    }


def _attribution(attribution: AttributionRecord) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "method": attribution.method,
        "payable": attribution.payable_gain > 0,
        "payableGain": attribution.payable_gain,
        "evaluations": attribution.evaluations,
        "errorBound": attribution.error_bound,
    }
    if attribution.payable_reason:
        stated["payableReason"] = attribution.payable_reason
    if attribution.report:
        stated["report"] = _sha256(attribution.report)
    return stated


def _contribution(item: ContributionShare) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "id": item.id,
        "contributor": ACCOUNT_PREFIX + normalise_address(item.address),
        "digest": _sha256(item.digest),
        "rows": item.rows,
        "licence": item.licence,
        "weightBps": item.weight_bps,
    }
    if item.value is not None:
        stated["value"], stated["low"], stated["high"] = item.value
    if item.disclosure_root:
        stated["disclosureRoot"] = _sha256(item.disclosure_root)
    return stated
