"""The statement of an improvement, made from stored rows alone, so that it can be made again."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from contributions.algorithms import statement as parts
from contributions.metric_records import interval_of, metric_records, test_of
from contributions.models import Attestation, Attribution, Improvement, Share
from experiments.choices import ConfirmationStatus, Split
from experiments.models import Attempt, Benchmark, Comparison, Confirmation
from hokusai.core.canonical import canonical_bytes, sha256_hex
from registry.models import ModelVersion

POLICY_NAME = "hokusai-paired/2"
BILLION = 1_000_000_000
NO_SPLIT = "no_split"


def statement_of(improvement: Improvement) -> dict[str, Any]:
    """Build and check the statement. Raises StatementError where the rows contradict each other."""
    comparison = improvement.comparison
    evaluator = comparison.statistics["evaluator"]
    issued, expires = times_of(improvement.attestation)
    return parts.build_statement(
        subject=_artifact(improvement.candidate),
        baseline=_artifact(improvement.baseline),
        benchmark=_benchmark(comparison.benchmark),
        evaluation=_evaluation(comparison),
        metrics=metric_records(comparison.statistics),
        decision=_decision(comparison),
        findings=_findings(comparison),
        attribution=_attribution(improvement),
        contributions=_shares(improvement),
        issuer=parts.Issuer(evaluator["instance"], evaluator["environment"]),
        issued_on=issued,
        expires_on=expires,
    )


def times_of(attestation: Attestation) -> tuple[datetime, datetime]:
    """When the statement was made and until when it holds; fixed with the first signature.

    Before that: now, by this process' clock, and as long as ATTESTATION_VALID_DAYS says.
    """
    if attestation.issued_at is not None and attestation.expires_at is not None:
        return attestation.issued_at, attestation.expires_at
    issued = timezone.now().replace(microsecond=0)
    return issued, issued + timedelta(days=settings.ATTESTATION_VALID_DAYS)


def _artifact(version: ModelVersion) -> parts.Artifact:
    name = version.model.model_id
    return parts.Artifact(
        name=f"{name} v{version.number}",
        uri=f"hokusai://models/{name}/versions/{version.number}",
        digest=version.tree_digest,
    )


def _benchmark(benchmark: Benchmark) -> parts.Benchmark:
    rows = benchmark.dataset_version
    return parts.Benchmark(
        id=benchmark.public_id,
        digest=rows.rows_digest,
        spec_digest=benchmark.spec_digest,
        sample_count=rows.row_count or 0,
    )


def _evaluation(comparison: Comparison) -> parts.Evaluation:
    statistics = comparison.statistics
    evaluator = statistics["evaluator"]
    return parts.Evaluation(
        comparison_id=comparison.public_id,
        seed=comparison.benchmark.seed,
        rows=statistics["n"],
        attempt=_attempt(comparison, Split.SCREENING),
        evaluator=parts.Evaluator(
            lock_digest=evaluator["lock_digest"],
            revision=evaluator["revision"],
            isolation_tier=evaluator["isolation_tier"],
        ),
        outcomes=_roots(comparison, Split.SCREENING),
        evidence=_evidence(comparison),
        weighted=statistics.get("weighted", False),
        clusters=statistics.get("clusters"),
    )


def _attempt(comparison: Comparison, split: Split) -> parts.Attempt:
    found: Attempt | None = comparison.attempts.filter(split=split).select_related("record").first()
    if found is None:
        raise parts.StatementError(
            f"The attempt ({split}) was never logged: it was made before attempts were."
        )
    return parts.Attempt(found.number, found.alpha_e9, found.record.digest)


def _roots(comparison: Comparison, split: Split) -> dict[str, str]:
    """The salted roots of the outcomes by role. Raises StatementError where one is missing."""
    found = dict(comparison.evaluations.filter(split=split).values_list("role", "outcomes_root"))
    if missing := [role for role, root in found.items() if not root]:
        raise parts.StatementError(f"The outcomes of the {missing[0]} have no salted root.")
    return found


def _evidence(comparison: Comparison) -> dict[str, str]:
    digests = {Split.SCREENING.value: _evidence_digest(comparison.statistics)}
    if (confirmation := _decided_confirmation(comparison)) is not None:
        digests[Split.CONFIRMATION.value] = _evidence_digest(confirmation.statistics)
    return digests


def _evidence_digest(statistics: dict[str, Any]) -> str:
    if not statistics.get("evidence"):
        raise parts.StatementError("The numbers that the decision is repeated from were not kept.")
    return sha256_hex(canonical_bytes(statistics["evidence"]))


def _decided_confirmation(comparison: Comparison) -> Confirmation | None:
    found = Confirmation.objects.filter(comparison=comparison).first()
    if found is None and not comparison.benchmark.confirmation_ppm:
        return None
    decided = (ConfirmationStatus.CONFIRMED, ConfirmationStatus.UNCONFIRMED)
    if found is None or found.status not in decided:
        raise parts.StatementError("The rows that are kept to confirm were not asked yet.")
    return found


def _decision(comparison: Comparison) -> parts.DecisionRecord:
    benchmark = comparison.benchmark
    return parts.DecisionRecord(
        policy=parts.PolicyRecord(
            name=POLICY_NAME,
            metric=benchmark.metric,
            margin=benchmark.margin_ppm,
            minimum_gain=benchmark.minimum_gain_ppm,
            alpha_e9=round(benchmark.alpha * BILLION),
            guardrails=tuple((g["metric"], g["margin_ppm"]) for g in benchmark.guardrails),
        ),
        accepted=comparison.status == "accepted",
        reason=comparison.reason,
    )


def _findings(comparison: Comparison) -> parts.Findings:
    statistics = comparison.statistics
    return parts.Findings(
        confirmation=_confirmation(comparison),
        credit=_credit(statistics.get("control")),
        seed_spread=_spread(statistics.get("seeds")),
    )


def _confirmation(comparison: Comparison) -> parts.ConfirmationRecord | parts.NoConfirmation:
    found = _decided_confirmation(comparison)
    if found is None:
        return parts.NoConfirmation(NO_SPLIT)
    statistics = found.statistics
    return parts.ConfirmationRecord(
        confirmed=found.status == ConfirmationStatus.CONFIRMED,
        rows=statistics["n"],
        attempt=_attempt(comparison, Split.CONFIRMATION),
        outcomes=_roots(comparison, Split.CONFIRMATION),
        delta=statistics["delta_ppm"],
        interval=interval_of(statistics),
        test=test_of(statistics),
    )


def _credit(control: dict[str, Any] | None) -> parts.Credit | None:
    if not control:
        return None
    return parts.Credit(control["data_effect_ppm"], control["engineering_effect_ppm"])


def _spread(seeds: dict[str, Any] | None) -> parts.SeedSpread | None:
    if not seeds:
        return None
    return parts.SeedSpread(len(seeds["seeds"]), seeds["min_ppm"], seeds["max_ppm"])


def _attribution(improvement: Improvement) -> parts.AttributionRecord:
    found = Attribution.objects.filter(improvement=improvement).first()
    return parts.AttributionRecord(
        method=improvement.method,
        payable_gain=improvement.payable_ppm,
        payable_reason=_unpaid(improvement),
        evaluations=found.evaluations if found else 0,
        error_bound=found.error_bound_ppm if found else 0,
        report=found.report_digest if found else "",
    )


def _unpaid(improvement: Improvement) -> str:
    if improvement.payable_ppm:
        return ""
    return improvement.payable_reason or "not_confirmed"


def _shares(improvement: Improvement) -> list[parts.ContributionShare]:
    rows = improvement.shares.select_related(
        "contribution__wallet", "contribution__dataset_version"
    )
    return [_share(share) for share in rows]


def _share(share: Share) -> parts.ContributionShare:
    given = share.contribution
    measured = share.value_ppm, share.low_ppm, share.high_ppm
    value, low, high = measured
    return parts.ContributionShare(
        id=given.public_id,
        address=given.wallet.address,
        digest=given.dataset_version.rows_digest,
        rows=given.dataset_version.row_count or 0,
        licence=given.licence,
        weight_bps=share.basis_points,
        value=None if value is None or low is None or high is None else (value, low, high),
        disclosure_root=given.disclosure_root,
    )
