"""Comparing two versions in a worker: isolated answers, outcomes per row, one decision."""

from typing import Any

from django.utils import timezone

from experiments.attempts import place_in_log
from experiments.benchmark_rows import BenchmarkRows, rows_of
from experiments.choices import ComparisonStatus, EvaluationRole, Split
from experiments.deciding import Verdict, looks_at, verdict
from experiments.exceptions import TrainingImpossible
from experiments.measuring import Halves, keep_evaluations, measure_all
from experiments.models import Comparison
from experiments.outcomes import keep_outcomes
from experiments.results import announce, ask_to_confirm, bound_ppm, stored, tell_lineage
from experiments.seeds import seed_spread
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job


def compare(work: Work) -> None:
    """Measure both versions, and the control where there is one, and decide.

    Safe to repeat; the result is written once. Nothing is asked before the attempt has its place
    in the log. Raises RunnerDown and NotInTheLog where a later try may work, EvaluationFailed,
    OutputsUnusable and Undecidable for what the versions did.
    """
    comparison = _comparison(work.job)
    if comparison.status not in (ComparisonStatus.REQUESTED, ComparisonStatus.FAILED):
        return
    benchmark, split = comparison.benchmark, Split.SCREENING
    index = place_in_log(comparison, split)
    work.progress(5, f"entry {index} of the log; reading {benchmark.name}")
    rows = rows_of(benchmark, split)
    halves = measure_all(work, comparison, rows)
    work.progress(80, "deciding")
    measured: dict[str, Any] = {
        "benchmark": benchmark,
        "number": comparison.attempt,
        "rows": rows,
        "outcomes": {role: half.scored.outcomes for role, half in halves.items()},
    }
    found = verdict(split=split, **measured)
    beside = {"looks": looks_at(**measured), **_seeds(work, comparison, rows, halves)}
    kept = {role: keep_outcomes(half.scored.outcomes) for role, half in halves.items()}
    tier = max(half.tier for half in halves.values())
    with work.result():
        keep_evaluations(comparison, split, halves, kept)
        _keep_decision(comparison, found, {**stored(found, tier), **beside})


def _seeds(
    work: Work, comparison: Comparison, rows: BenchmarkRows, halves: Halves
) -> dict[str, Any]:
    """How much the training's luck matters, where the candidate was trained here.

    It is told beside the decision and decides nothing, so that a training that can no longer be
    repeated ends no comparison.
    """
    metric = comparison.benchmark.metric
    baseline = halves[EvaluationRole.BASELINE].scored.outcomes[metric]
    try:
        spread = seed_spread(comparison, rows=rows, baseline=baseline)
    except TrainingImpossible as error:
        work.log(f"without the spread over seeds: {error}")
        return {}
    return {} if spread is None else {"seeds": spread.as_dict()}


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


def _keep_decision(comparison: Comparison, found: Verdict, statistics: dict[str, Any]) -> None:
    row = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    decision = found.decision
    row.move_to(ComparisonStatus.ACCEPTED if decision.accepted else ComparisonStatus.REFUSED)
    row.reason, row.explanation = decision.reason.value, decision.sentence
    row.delta_ppm, row.p_value = decision.delta_ppm, decision.p_value
    row.low_ppm, row.high_ppm = bound_ppm(decision.interval_low), bound_ppm(decision.interval_high)
    row.decided_at = timezone.now()
    row.statistics = statistics
    row.save()
    tell_lineage(row)
    announce(row)
    if decision.accepted and row.benchmark.confirmation_ppm:
        ask_to_confirm(row)
