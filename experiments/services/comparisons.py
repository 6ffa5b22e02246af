from django.db import transaction

from experiments.attempts import next_number, open_attempt
from experiments.choices import BenchmarkStatus, ComparisonStatus, Split
from experiments.exceptions import BenchmarkNotApproved
from experiments.models import Benchmark, Comparison, Experiment
from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.services import retry_job
from registry.choices import ArtifactState
from registry.exceptions import ArtifactNotReady
from registry.models import Model, ModelVersion


@transaction.atomic
def create_experiment(
    *,
    project: Project,
    name: str,
    model: Model,
    baseline: ModelVersion,
    benchmark: Benchmark,
    actor: Actor,
    hypothesis: str = "",
) -> Experiment:
    """Open a line of work on one model. Raises InvalidInput where the parts do not fit."""
    if actor.user_id is None:
        raise Forbidden("An experiment is opened by a person.")
    if model.project_id != project.pk or benchmark.project_id != project.pk:
        raise InvalidInput("Model and benchmark belong to the experiment's project.")
    if baseline.model_id != model.pk:
        raise InvalidInput("The baseline is a version of the experiment's model.")
    experiment = Experiment.objects.create(
        project=project,
        name=name,
        hypothesis=hypothesis,
        model=model,
        baseline=baseline,
        benchmark=benchmark,
        created_by_id=actor.user_id,
    )
    record(
        "experiment:created",
        subject=experiment.public_id,
        actor=actor,
        project_id=project.pk,
        label=name,
        after={"model_id": model.model_id, "baseline": baseline.number},
    )
    return experiment


@transaction.atomic
def request_comparison(
    *,
    benchmark: Benchmark,
    baseline: ModelVersion,
    candidate: ModelVersion,
    actor: Actor,
    experiment: Experiment | None = None,
) -> Comparison:
    """Compare two versions on a benchmark's rows; a worker does it. The attempt is counted and
    logged now, before anything is computed.

    The same pair of artifacts is the same comparison: asking again answers with it, and tries
    again where it failed. Raises BenchmarkNotApproved, ArtifactNotReady, InvalidInput.
    """
    if actor.user_id is None:
        raise Forbidden("A comparison is asked for by a person.")
    benchmark = Benchmark.objects.select_for_update(of=("self",)).get(pk=benchmark.pk)
    _check_comparable(benchmark, baseline, candidate)
    existing = (
        benchmark.comparisons.select_for_update(of=("self",))
        .filter(baseline_digest=baseline.tree_digest, candidate_digest=candidate.tree_digest)
        .first()
    )
    if existing is not None:
        return _again(existing, actor)
    number = next_number(benchmark, Split.SCREENING)
    comparison = Comparison.objects.create(
        benchmark=benchmark,
        experiment=experiment,
        baseline=baseline,
        candidate=candidate,
        baseline_digest=baseline.tree_digest,
        candidate_digest=candidate.tree_digest,
        attempt=number,
        requested_by_id=actor.user_id,
    )
    open_attempt(comparison, Split.SCREENING, number)
    _begin(comparison, actor)
    return comparison


def _begin(comparison: Comparison, actor: Actor) -> None:
    benchmark = comparison.benchmark
    comparison.job = jobs.enqueue(
        "comparison",
        subject=comparison.public_id,
        project_id=benchmark.project_id,
        label=str(comparison),
    )
    comparison.save(update_fields=["job"])
    record(
        "comparison:requested",
        subject=comparison.public_id,
        actor=actor,
        project_id=benchmark.project_id,
        label=str(comparison),
        after={"attempt": comparison.attempt, "benchmark": benchmark.public_id},
    )


def _check_comparable(
    benchmark: Benchmark, baseline: ModelVersion, candidate: ModelVersion
) -> None:
    if benchmark.status != BenchmarkStatus.APPROVED:
        raise BenchmarkNotApproved(
            f"The benchmark is a {benchmark.status}; a second person approves it first."
        )
    for version in (baseline, candidate):
        if version.project.pk != benchmark.project_id:
            raise InvalidInput(f"{version} belongs to another project than the benchmark.")
        if version.artifact_state != ArtifactState.READY:
            raise ArtifactNotReady(f"The artifact of {version} is {version.artifact_state}.")
    if baseline.tree_digest == candidate.tree_digest:
        raise InvalidInput("Both versions hold the same bytes; there is nothing to compare.")


def _again(comparison: Comparison, actor: Actor) -> Comparison:
    job = comparison.job
    if comparison.status == ComparisonStatus.FAILED and job is not None:
        if not comparison.attempts.filter(split=Split.SCREENING).exists():
            # Asked for before there was a ledger; its number was counted all the same.
            open_attempt(comparison, Split.SCREENING, comparison.attempt)
        comparison.move_to(ComparisonStatus.REQUESTED)
        comparison.reason, comparison.explanation = "", ""
        comparison.save(update_fields=["status", "reason", "explanation"])
        if job.status in WorkStatus.terminal():
            retry_job(job_id=job.pk, actor=actor)
    return comparison
