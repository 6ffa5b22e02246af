"""Comparing two versions in a worker: isolated answers, outcomes per row, one decision."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.utils import timezone

from experiments.algorithms.decision import Decision, PairedOutcomes, decide
from experiments.choices import ComparisonStatus, EvaluationRole
from experiments.evaluator import lock_digest, revision
from experiments.exceptions import BenchmarkInvalid
from experiments.isolation import ask, tier_in_force
from experiments.models import Benchmark, Comparison, Evaluation
from experiments.policy import metrics_of, policy_of
from experiments.results import announce, bound_ppm, keep_outcomes, stored, tell_lineage
from experiments.scoring import OutputsUnusable, Scored, score
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from registry.algorithms.tables import to_matrix
from registry.models import ModelVersion
from registry.services import read_rows

REPEATED_ROWS = 50
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Rows:
    """A benchmark's rows: `matrix` (n, d) float64 in the order of `features`, `labels` (n,)."""

    features: list[str]
    matrix: npt.NDArray[np.float64]
    labels: list[Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One version's half of a comparison."""

    scored: Scored
    tier: str
    duration_ms: int


def compare(work: Work) -> None:
    """Evaluate both versions and decide. Safe to repeat; the result is written once.

    Raises RunnerDown where a later try may work, EvaluationFailed for what the model did.
    """
    comparison = _comparison(work.job)
    if comparison.status not in (ComparisonStatus.REQUESTED, ComparisonStatus.FAILED):
        return
    benchmark = comparison.benchmark
    work.progress(5, f"reading {benchmark.name}")
    rows = _rows(benchmark)
    work.progress(15, f"asking the baseline v{comparison.baseline.number}")
    baseline = _measure(comparison.baseline, benchmark, rows, salt=1)
    work.progress(50, f"asking the candidate v{comparison.candidate.number}")
    candidate = _measure(comparison.candidate, benchmark, rows, salt=2)
    work.progress(80, "deciding")
    decision = _decide(comparison, baseline.scored, candidate.scored)
    digests = {
        EvaluationRole.BASELINE: keep_outcomes(baseline.scored.outcomes),
        EvaluationRole.CANDIDATE: keep_outcomes(candidate.scored.outcomes),
    }
    with work.result():
        halves = {EvaluationRole.BASELINE: baseline, EvaluationRole.CANDIDATE: candidate}
        for role, half in halves.items():
            _keep_evaluation(comparison, role, half, digests[role])
        _keep_decision(comparison, decision, candidate.tier)


def comparison_failed(job: Job, reason: str) -> None:
    """Say on the comparison that it ended without a verdict, and why."""
    comparison = Comparison.objects.select_for_update(of=("self",)).get(public_id=job.subject)
    comparison.move_to(ComparisonStatus.FAILED)
    comparison.reason, comparison.explanation = "evaluation_failed", reason
    comparison.save(update_fields=["status", "reason", "explanation"])
    record(
        "comparison:failed",
        subject=comparison.public_id,
        actor=SYSTEM,
        project_id=comparison.project.pk,
        label=str(comparison),
        after={"status": comparison.status, "explanation": reason},
    )


def _comparison(job: Job) -> Comparison:
    found = Comparison.objects.with_names().filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The comparison of this job is gone.")
    return found


def _rows(benchmark: Benchmark) -> Rows:
    table = read_rows(benchmark.dataset_version)
    features, labels = list(benchmark.features), table.columns[benchmark.label_column]
    if None in labels:
        raise BenchmarkInvalid(f"{benchmark} holds rows without a label; nothing can be scored.")
    return Rows(features=features, matrix=to_matrix(table, features), labels=labels)


def _measure(version: ModelVersion, benchmark: Benchmark, rows: Rows, salt: int) -> Measured:
    """Ask a version in a fresh child, on shuffled rows, and a sample of them once more."""
    started = time.monotonic()
    generator = np.random.default_rng([benchmark.seed, salt])
    order = generator.permutation(len(rows.labels))
    outputs = ask(version, rows.features, rows.matrix[order])
    scored = score(rows.labels, outputs, order, metrics_of(benchmark))
    _check_repeatable(version, rows, order, outputs.values, generator)
    duration_ms = int((time.monotonic() - started) * 1000)
    return Measured(scored=scored, tier=tier_in_force(), duration_ms=duration_ms)


def _check_repeatable(
    version: ModelVersion,
    rows: Rows,
    order: npt.NDArray[np.intp],
    values: Any,
    generator: np.random.Generator,
) -> None:
    """A version that answers by the place of a row, not by its content, is found out."""
    sample = generator.permutation(len(order))[:REPEATED_ROWS]
    again = np.asarray(ask(version, rows.features, rows.matrix[order[sample]]).values)
    before = np.asarray(values)[sample]
    if before.shape != again.shape or not np.allclose(before, again, atol=TOLERANCE):
        raise OutputsUnusable(
            f"{version} answers the same rows differently in another order; it cannot be measured."
        )


def _decide(comparison: Comparison, baseline: Scored, candidate: Scored) -> Decision:
    outcomes = {
        name: PairedOutcomes(
            metric=name, baseline=baseline.outcomes[name], candidate=candidate.outcomes[name]
        )
        for name in baseline.outcomes
    }
    benchmark = comparison.benchmark
    return decide(policy_of(benchmark), comparison.attempt, outcomes, benchmark.seed)


def _keep_evaluation(
    comparison: Comparison, role: EvaluationRole, half: Measured, digest: str
) -> None:
    version = comparison.baseline if role == EvaluationRole.BASELINE else comparison.candidate
    Evaluation.objects.create(
        comparison=comparison,
        version=version,
        role=role,
        row_count=len(next(iter(half.scored.outcomes.values()))),
        scores={name: half.scored.score(name) for name in half.scored.outcomes},
        outcomes_digest=digest,
        confusion=half.scored.confusion,
        isolation_tier=half.tier,
        duration_ms=half.duration_ms,
    )


def _keep_decision(comparison: Comparison, decision: Decision, tier: str) -> None:
    row = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    row.move_to(ComparisonStatus.ACCEPTED if decision.accepted else ComparisonStatus.REFUSED)
    row.reason, row.explanation = decision.reason.value, decision.sentence
    row.delta_ppm, row.p_value = decision.delta_ppm, decision.p_value
    row.low_ppm, row.high_ppm = bound_ppm(decision.interval_low), bound_ppm(decision.interval_high)
    row.decided_at = timezone.now()
    row.statistics = {
        **stored(decision),
        "evaluator": {
            "lock_digest": lock_digest(),
            "revision": revision(),
            "isolation_tier": tier,
            "instance": settings.INSTANCE_NAME,
            "environment": settings.ENVIRONMENT_NAME,
        },
    }
    row.save()
    tell_lineage(row)
    announce(row)
