"""Curves of a run's metrics: asked for by somebody, fetched by a worker, kept."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from experiments.algorithms.curves import thinned
from experiments.models import Run, RunHistory
from hokusai.core import jobs
from hokusai.core.errors import InvalidInput, NotFound
from hokusai.core.events import Actor, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.tracking import TrackingNotFound, tracking

KIND = "run_history"
METRICS_FETCHED = 100
POINTS_KEPT = 2_000


@transaction.atomic
def request_history(*, run_id: int, actor: Actor) -> Job:
    """Let a worker fetch all values of a run's metrics; the job.

    Asking again while that is under way answers with the job that does it. Raises InvalidInput
    for a run without metrics.
    """
    run = Run.objects.select_for_update(of=("self",)).with_names().get(pk=run_id)
    if not run.metrics:
        raise InvalidInput("This run has logged no metrics; there are no curves to fetch.")
    open_job = Job.objects.unfinished().filter(kind=KIND, subject=run.public_id).first()
    if open_job is not None:
        return open_job
    project_id = run.experiment.project_id
    job = jobs.enqueue(KIND, subject=run.public_id, project_id=project_id, label=str(run))
    record(
        "run:history_requested",
        subject=run.public_id,
        actor=actor,
        project_id=project_id,
        label=str(run),
        after={"job": job.public_id},
    )
    return job


@transaction.atomic
def request_histories(*, run_ids: Sequence[int], actor: Actor) -> list[Job]:
    """The same for several runs; those without metrics are passed over."""
    rows = Run.objects.filter(pk__in=run_ids).exclude(metrics={}).order_by("pk")
    return [request_history(run_id=row.pk, actor=actor) for row in rows]


def fetch(work: Work) -> None:
    """Fetch and keep the values of a run's metrics. Safe to repeat.

    Raises TrackingUnavailable where a later try may work, NotFound where the run is gone.
    """
    run = Run.objects.with_names().filter(public_id=work.job.subject).first()
    if run is None:
        raise NotFound("The run of this job is gone.")
    metrics = sorted(run.metrics)[:METRICS_FETCHED]
    for index, metric in enumerate(metrics):
        work.progress(100 * index // len(metrics), f"fetching {metric}")
        _fetch_one(run, metric)


def _fetch_one(run: Run, metric: str) -> None:
    try:
        found = tracking[run.experiment.server].metric_history(run.run_id, metric)
    except TrackingNotFound as error:
        raise NotFound("The tracking server does not know this run any more.") from error
    points = [(point.step, point.timestamp_ms, point.value) for point in found]
    RunHistory.objects.update_or_create(
        run=run,
        metric=metric,
        defaults={
            "points": thinned(points, POINTS_KEPT),
            "total": len(points),
            "fetched_at": timezone.now(),
        },
    )
