"""What rows that no decision had touched say about an accepted comparison, in a worker."""

from typing import Any

from django.utils import timezone

from experiments.attempts import place_in_log
from experiments.benchmark_rows import rows_of
from experiments.choices import ConfirmationStatus, Split
from experiments.deciding import Verdict, verdict
from experiments.measuring import keep_evaluations, measure_all
from experiments.models import Attempt, Comparison, Confirmation
from experiments.outcomes import keep_outcomes
from experiments.results import bound_ppm, stored
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job


def confirm_acceptance(work: Work) -> None:
    """Measure the accepted pair once more, on the rows kept for it, and say what they show.

    Safe to repeat; the result is written once. Raises as `evaluation.compare` does.
    """
    comparison, confirmation = _found(work.job)
    if confirmation.status not in (ConfirmationStatus.REQUESTED, ConfirmationStatus.FAILED):
        return
    benchmark, split = comparison.benchmark, Split.CONFIRMATION
    index = place_in_log(comparison, split)
    work.progress(5, f"entry {index} of the log; reading the rows kept to confirm")
    rows = rows_of(benchmark, split)
    halves = measure_all(work, comparison, rows)
    work.progress(80, "deciding")
    found = verdict(
        benchmark=benchmark,
        split=split,
        number=Attempt.objects.get(comparison=comparison, split=split).number,
        rows=rows,
        outcomes={role: half.scored.outcomes for role, half in halves.items()},
    )
    kept = {role: keep_outcomes(half.scored.outcomes) for role, half in halves.items()}
    tier = max(half.tier for half in halves.values())
    with work.result():
        keep_evaluations(comparison, split, halves, kept)
        _keep(confirmation, found, stored(found, tier))


def confirmation_failed(job: Job, reason: str) -> None:
    """Say on the confirmation that it ended without an answer; nothing is payable meanwhile."""
    row = Confirmation.objects.select_for_update(of=("self",)).get(
        comparison__public_id=job.subject
    )
    row.move_to(ConfirmationStatus.FAILED)
    row.explanation = reason
    row.save(update_fields=["status", "explanation"])
    _record(row, "comparison:confirmation-failed")


def _found(job: Job) -> tuple[Comparison, Confirmation]:
    comparison = Comparison.objects.with_names().filter(public_id=job.subject).first()
    confirmation = Confirmation.objects.filter(comparison=comparison).first()
    if comparison is None or confirmation is None:
        raise NotFound("The confirmation of this job is gone.")
    return comparison, confirmation


def _keep(confirmation: Confirmation, found: Verdict, statistics: dict[str, Any]) -> None:
    row = Confirmation.objects.select_for_update(of=("self",)).get(pk=confirmation.pk)
    decision = found.decision
    confirmed = decision.accepted
    row.move_to(ConfirmationStatus.CONFIRMED if confirmed else ConfirmationStatus.UNCONFIRMED)
    row.explanation = decision.sentence
    row.delta_ppm, row.p_value = decision.delta_ppm, decision.p_value
    row.low_ppm, row.high_ppm = bound_ppm(decision.interval_low), bound_ppm(decision.interval_high)
    row.decided_at = timezone.now()
    row.statistics = statistics
    row.save()
    _record(row, f"comparison:{row.status}")


def _record(confirmation: Confirmation, tag: str) -> None:
    comparison = confirmation.comparison
    record(
        tag,
        subject=comparison.public_id,
        actor=SYSTEM,
        project_id=comparison.project.pk,
        label=str(comparison),
        before={"status": ConfirmationStatus.REQUESTED.value},
        # What those rows showed is for those who see the benchmark.
        after={"status": confirmation.status},
    )
