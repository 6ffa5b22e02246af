"""Bringing along the runs of mapped experiments. Everything here is safe to repeat."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import structlog
from django.db.models import F
from django.utils import timezone

from experiments.choices import RunLifecycle
from experiments.models import Run, RunFeed
from experiments.records import as_row
from hokusai.core import jobs
from hokusai.core.errors import Conflict
from hokusai.core.jobs import Work
from hokusai.tracking import (
    RunRecord,
    TrackingClient,
    TrackingUnavailable,
    tracking,
)
from registry.models import TrackedExperiment

log = structlog.get_logger(__name__)
SWEEP = "run_sweep"
# A run says itself when it began, by its own machine's clock.
OVERLAP = timedelta(minutes=10)
# A run that died without a word stays unfinished for ever; old ones wait for the sweep.
WATCHED = timedelta(days=7)
IDS_PER_CALL = 100
SAME_WITHIN_MS = 1000
MISSES_TOLERATED = 1
_READ = (
    "name",
    "status",
    "user",
    "started_at",
    "ended_at",
    "metrics",
    "parameters",
    "tags",
    "lifecycle",
    "digest",
    "missed",
    "seen_at",
)
Experiments = dict[str, TrackedExperiment]


def pull_runs() -> None:
    """Fetch what is new on each server. One that does not answer is asked again next time."""
    for server in _servers():
        try:
            pull_news(server)
        except TrackingUnavailable as error:
            log.warning("runs_wait", server=server, error=str(error))


def pull_news(server: str) -> int:
    """Runs begun since the last look, and those that had not ended; how many changed.

    An experiment of which nothing was read yet gets a complete pass first. Raises
    TrackingUnavailable.
    """
    began, client = timezone.now(), tracking[server]
    mapped = _same_there(client, _mapped(server))
    feeds = {
        row.experiment.experiment_id: row
        for row in RunFeed.objects.filter(
            experiment__in=mapped.values(), swept_at__isnull=False
        ).select_related("experiment")
    }
    if len(feeds) < len(mapped):
        request_sweep(server)
    known = {key: mapped[key] for key in feeds}
    if not known:
        return 0
    since = min(row.pulled_at or row.swept_at or began for row in feeds.values()) - OVERLAP
    changed = sum(keep(known, page) for page in _begun_since(client, list(known), since))
    changed += sum(keep(known, page) for page in _unfinished(client, known, began))
    RunFeed.objects.filter(pk__in=[row.pk for row in feeds.values()]).update(pulled_at=began)
    return changed


def request_sweeps() -> None:
    """Ask for a complete pass over the mapped experiments of each server."""
    for server in _servers():
        request_sweep(server)


def request_sweep(server: str) -> None:
    """Ask for a complete pass over one server's mapped experiments; one at a time."""
    try:
        jobs.enqueue(SWEEP, subject=f"server:{server}", project_id=None, label=server)
    except Conflict:
        log.info("sweep_goes_on", server=server)


def sweep(work: Work) -> None:
    """Read all runs of a server's mapped experiments. Goes on where an earlier try stopped.

    Raises TrackingUnavailable where a later try may work.
    """
    server = work.job.subject.removeprefix("server:")
    client, mapped = tracking[server], _mapped(server)
    same = _same_there(client, mapped)
    done = RunFeed.objects.filter(experiment__in=mapped.values(), swept_at__gte=work.job.created_at)
    left = [row for row in mapped.values() if row.pk not in set(done.values_list("pk", flat=True))]
    for index, experiment in enumerate(left):
        work.progress(100 * index // len(left), f"reading {experiment.name}")
        there = experiment.experiment_id in same
        count = _sweep_one(client, experiment, work, there=there)
        work.log(f"{experiment.name}: {count} runs")


def _sweep_one(
    client: TrackingClient, experiment: TrackedExperiment, work: Work, *, there: bool
) -> int:
    """All runs of one experiment; how many there are. Of one that is gone, all are missed."""
    began, seen = timezone.now(), set[str]()
    for page in _begun_since(client, [experiment.experiment_id], None) if there else ():
        work.check()
        keep({experiment.experiment_id: experiment}, page)
        seen |= {record.run_id for record in page}
    _miss(experiment, seen)
    RunFeed.objects.update_or_create(
        experiment=experiment, defaults={"swept_at": began, "pulled_at": began}
    )
    return len(seen)


def keep(experiments: Experiments, records: Iterable[RunRecord]) -> int:
    """Insert and update rows where they differ from what was read; how many did."""
    # Oldest first: ids then grow with time, as lists expect.
    rows = [
        as_row(experiments[record.experiment_id], record)
        for record in sorted(records, key=lambda record: record.started_at_ms)
        if record.experiment_id in experiments
    ]
    found = Run.objects.filter(
        experiment__in=experiments.values(), run_id__in=[row.run_id for row in rows]
    )
    known = dict(found.values_list("run_id", "digest"))
    changed = [row for row in rows if known.get(row.run_id) != row.digest]
    Run.objects.bulk_create(
        changed,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["experiment", "run_id"],
        update_fields=_READ,
    )
    found.filter(missed__gt=0).update(missed=0)
    return len(changed)


def _miss(experiment: TrackedExperiment, seen: set[str]) -> None:
    """Count who was not seen in a complete pass; at the second time the run is missing there."""
    kept = experiment.runs.exclude(lifecycle=RunLifecycle.MISSING)
    unseen = [pk for pk, run_id in kept.values_list("pk", "run_id") if run_id not in seen]
    rows = Run.objects.filter(pk__in=unseen)
    # Without a digest, a run that comes back counts as changed.
    rows.filter(missed__gte=MISSES_TOLERATED).update(lifecycle=RunLifecycle.MISSING, digest="")
    rows.update(missed=F("missed") + 1)


def _servers() -> list[str]:
    mapped = TrackedExperiment.objects.mapped().order_by("server")
    return [name for name in mapped.values_list("server", flat=True).distinct() if name in tracking]


def _mapped(server: str) -> Experiments:
    rows = TrackedExperiment.objects.mapped().filter(server=server)
    return {row.experiment_id: row for row in rows}


def _same_there(client: TrackingClient, mapped: Experiments) -> Experiments:
    """Those that the server still has. A server that lost its data counts ids anew, and an
    experiment that was made later under the same id belongs to nobody yet.
    """
    made: dict[str, int] = {}
    token = ""
    while mapped:
        page = client.list_experiments(page_token=token)
        made |= {row.experiment_id: row.created_at_ms for row in page.items}
        token = page.next_token
        if not token:
            break
    return {key: row for key, row in mapped.items() if key in made and _is_same(row, made[key])}


def _is_same(experiment: TrackedExperiment, created_at_ms: int) -> bool:
    if experiment.created_at is None or not created_at_ms:
        return True
    return abs(experiment.created_at.timestamp() * 1000 - created_at_ms) < SAME_WITHIN_MS


def _begun_since(
    client: TrackingClient, experiment_ids: list[str], since: datetime | None
) -> Iterator[list[RunRecord]]:
    token = ""
    started_after_ms = int(since.timestamp() * 1000) if since else 0
    while True:
        page = client.list_runs(experiment_ids, started_after_ms=started_after_ms, page_token=token)
        yield page.items
        token = page.next_token
        if not token:
            return


def _unfinished(
    client: TrackingClient, experiments: Experiments, now: datetime
) -> Iterator[list[RunRecord]]:
    rows = Run.objects.unfinished().filter(
        experiment__in=experiments.values(), started_at__gte=now - WATCHED
    )
    ids = list(rows.values_list("run_id", flat=True))
    for start in range(0, len(ids), IDS_PER_CALL):
        chosen = ids[start : start + IDS_PER_CALL]
        yield client.list_runs(list(experiments), run_ids=chosen).items
