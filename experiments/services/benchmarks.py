import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from experiments.benchmark_columns import (
    Columns,
    check_columns,
    check_labels,
    check_rows,
    confirmation_share,
)
from experiments.choices import BenchmarkStatus, Task
from experiments.exceptions import SamePerson
from experiments.models import Benchmark
from experiments.policy import check_demands, check_metrics, metrics_of, spec_digest
from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry import services as registry
from registry.models import DatasetVersion

DEFAULT_SEED = 20261120
SALT_BYTES = 32


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
    task: str = Task.CLASSIFICATION,
    cluster_column: str = "",
    weight_column: str = "",
    group_column: str = "",
    slice_columns: Sequence[str] = (),
    confirmation_ppm: int | None = 0,
) -> Benchmark:
    """Fix rows, metrics and policy; the rows are closed to all but stewards from now on.

    `confirmation_ppm`: millionths of the rows, or clusters, kept to confirm what was accepted; for
    None 300,000 where that keeps at least 100 rows or 30 clusters, and else none. Raises
    BenchmarkInvalid, or Conflict where the name is taken or versions saw the rows.
    """
    if actor.user_id is None:
        raise Forbidden("A benchmark is made by a person.")
    columns = Columns(
        label_column, features, cluster_column, weight_column, group_column, list(slice_columns)
    )
    benchmark = Benchmark(
        project=project,
        slug=slug,
        name=name,
        dataset_version=dataset_version,
        task=task,
        metric=metric,
        guardrails=[dict(item) for item in guardrails],
        margin_ppm=margin_ppm,
        minimum_gain_ppm=minimum_gain_ppm,
        alpha=alpha,
        seed=seed,
        created_by_id=actor.user_id,
    )
    return _made(benchmark, columns, confirmation_ppm, actor)


def _made(
    benchmark: Benchmark, columns: Columns, confirmation_ppm: int | None, actor: Actor
) -> Benchmark:
    _take_name(benchmark.project, benchmark.slug)
    rows = benchmark.dataset_version
    _check_policy(benchmark)
    check_rows(benchmark.project_id, rows)
    benchmark.features = check_columns(rows, columns, benchmark.task)
    check_labels(rows, columns, benchmark.task, metrics_of(benchmark))
    benchmark.label_column, benchmark.weight_column = columns.label, columns.weight
    benchmark.cluster_column, benchmark.group_column = columns.cluster, columns.group
    benchmark.slice_columns = list(columns.slices)
    benchmark.confirmation_ppm = confirmation_share(rows, columns, confirmation_ppm)
    benchmark.split_salt = secrets.token_hex(SALT_BYTES)
    benchmark.dataset_version = registry.seal_for_stewards(dataset_version_id=rows.pk)
    benchmark.spec_digest = spec_digest(benchmark)
    benchmark.save()
    _record("benchmark:created", benchmark, actor, after={"spec_digest": benchmark.spec_digest})
    return benchmark


def _take_name(project: Project, slug: str) -> None:
    # One name is taken by one transaction at a time.
    Project.objects.select_for_update().get(pk=project.pk)
    if Benchmark.objects.filter(project=project, slug=slug).exists():
        raise Conflict(f"The project has a benchmark {slug!r} already.", slug=slug)


def _check_policy(benchmark: Benchmark) -> None:
    if benchmark.task not in Task.values:
        raise InvalidInput(f"A task is one of {', '.join(Task.values)}.", task=benchmark.task)
    check_metrics(benchmark.metric, benchmark.guardrails, benchmark.task)
    check_demands(
        margin_ppm=benchmark.margin_ppm,
        minimum_gain_ppm=benchmark.minimum_gain_ppm,
        alpha=benchmark.alpha,
        seed=benchmark.seed,
    )


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
