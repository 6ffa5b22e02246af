from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from experiments.choices import BenchmarkStatus, ComparisonStatus
from experiments.exceptions import BenchmarkInvalid, BenchmarkNotApproved, SamePerson
from experiments.models import Benchmark, Comparison, Experiment
from experiments.policy import check_demands, check_metrics, spec_digest
from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.services import retry_job
from registry import services as registry
from registry.choices import ArtifactState, DatasetState
from registry.exceptions import ArtifactNotReady
from registry.models import DatasetVersion, Model, ModelVersion, RowDigest

DEFAULT_SEED = 20261120


@transaction.atomic
def create_benchmark(
    *,
    project: Project,
    slug: str,
    name: str,
    dataset_version: DatasetVersion,
    label_column: str,
    actor: Actor,
    features: Sequence[str] | None = None,
    metric: str = "accuracy",
    guardrails: Sequence[Mapping[str, Any]] = (),
    margin_ppm: int = 0,
    minimum_gain_ppm: int = 10_000,
    alpha: float = 0.025,
    seed: int = DEFAULT_SEED,
) -> Benchmark:
    """Fix rows, metrics and policy; the rows are closed to all but stewards from now on.

    Raises BenchmarkInvalid, or Conflict where the name is taken or versions saw the rows.
    """
    if actor.user_id is None:
        raise Forbidden("A benchmark is made by a person.")
    # One name is taken by one transaction at a time.
    Project.objects.select_for_update().get(pk=project.pk)
    if Benchmark.objects.filter(project=project, slug=slug).exists():
        raise Conflict(f"The project has a benchmark {slug!r} already.", slug=slug)
    guards = [dict(item) for item in guardrails]
    check_metrics(metric, guards)
    check_demands(margin_ppm=margin_ppm, minimum_gain_ppm=minimum_gain_ppm, alpha=alpha, seed=seed)
    columns = _check_columns(project, dataset_version, label_column, features)
    benchmark = Benchmark(
        project=project,
        slug=slug,
        name=name,
        dataset_version=registry.seal_for_stewards(dataset_version_id=dataset_version.pk),
        features=columns,
        label_column=label_column,
        metric=metric,
        margin_ppm=margin_ppm,
        minimum_gain_ppm=minimum_gain_ppm,
        alpha=alpha,
        guardrails=guards,
        seed=seed,
        created_by_id=actor.user_id,
    )
    benchmark.spec_digest = spec_digest(benchmark)
    benchmark.save()
    _record("benchmark:created", benchmark, actor, after={"spec_digest": benchmark.spec_digest})
    return benchmark


def _check_columns(
    project: Project,
    dataset_version: DatasetVersion,
    label_column: str,
    features: Sequence[str] | None,
) -> list[str]:
    if dataset_version.project != project or dataset_version.state != DatasetState.USABLE:
        raise BenchmarkInvalid("A benchmark needs a usable dataset version of its project.")
    types = {column["name"]: column["dtype"] for column in dataset_version.columns}
    if label_column not in types:
        raise BenchmarkInvalid(f"The rows have no column {label_column!r}.", column=label_column)
    apart = {label_column, dataset_version.id_column}
    chosen = list(features) if features is not None else [n for n in types if n not in apart]
    for name in chosen:
        if name in apart or types.get(name) not in ("number", "integer", "boolean"):
            raise BenchmarkInvalid(f"The feature {name!r} is no column of numbers.", column=name)
    if not chosen:
        raise BenchmarkInvalid("A benchmark needs at least one feature.")
    return chosen


@transaction.atomic
def approve_benchmark(*, benchmark_id: int, actor: Actor) -> Benchmark:
    """Let a benchmark decide. Raises SamePerson for its maker, InvalidTransition."""
    benchmark = Benchmark.objects.select_for_update(of=("self",)).get(pk=benchmark_id)
    if actor.user_id is None or actor.user_id == benchmark.created_by_id:
        raise SamePerson("A benchmark is approved by another person than the one who made it.")
    before = benchmark.status
    benchmark.move_to(BenchmarkStatus.APPROVED)
    benchmark.approved_by_id, benchmark.approved_at = actor.user_id, timezone.now()
    benchmark.save(update_fields=["status", "approved_by", "approved_at"])
    _record("benchmark:approved", benchmark, actor, before={"status": before})
    return benchmark


@transaction.atomic
def retire_benchmark(*, benchmark_id: int, actor: Actor) -> Benchmark:
    """End a benchmark; what it decided stays. Raises InvalidTransition."""
    benchmark = Benchmark.objects.select_for_update(of=("self",)).get(pk=benchmark_id)
    before = benchmark.status
    benchmark.move_to(BenchmarkStatus.RETIRED)
    benchmark.save(update_fields=["status"])
    _record("benchmark:retired", benchmark, actor, before={"status": before})
    return benchmark


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
    """Compare two versions on a benchmark's rows; a worker does it.

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
    comparison = Comparison.objects.create(
        benchmark=benchmark,
        experiment=experiment,
        baseline=baseline,
        candidate=candidate,
        baseline_digest=baseline.tree_digest,
        candidate_digest=candidate.tree_digest,
        attempt=_next_attempt(benchmark),
        requested_by_id=actor.user_id,
    )
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
    return comparison


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
        comparison.move_to(ComparisonStatus.REQUESTED)
        comparison.reason, comparison.explanation = "", ""
        comparison.save(update_fields=["status", "reason", "explanation"])
        if job.status in WorkStatus.terminal():
            retry_job(job_id=job.pk, actor=actor)
    return comparison


def _next_attempt(benchmark: Benchmark) -> int:
    """Which try this is in this project against these rows, or against a table that shares some.

    A new name, seed or selection of the same rows does not begin again from one.
    """
    Project.objects.select_for_update().get(pk=benchmark.project_id)
    own = RowDigest.objects.filter(dataset_version=benchmark.dataset_version_id)
    sharing = RowDigest.objects.filter(inputs__in=own.values("inputs"))
    tables = {benchmark.dataset_version_id, *sharing.values_list("dataset_version", flat=True)}
    tried = Comparison.objects.filter(
        benchmark__project_id=benchmark.project_id, benchmark__dataset_version__in=tables
    )
    return tried.count() + 1


def _record(
    tag: str,
    benchmark: Benchmark,
    actor: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    record(
        tag,
        subject=benchmark.public_id,
        actor=actor,
        project_id=benchmark.project_id,
        label=benchmark.name,
        before=before,
        after=after or {"status": benchmark.status},
    )
