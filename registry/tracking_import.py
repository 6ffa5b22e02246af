"""The job that takes over a tracking server: metadata at once and in bulk, bytes afterwards."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core import leases
from hokusai.core.errors import NotFound
from hokusai.core.events import record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.core.providers import load_hooks
from hokusai.tracking import tracking
from registry import mirroring
from registry.choices import MirrorState, Origin, PassKind
from registry.import_steps import ImportStep
from registry.mirroring import Listing
from registry.models import SyncPass, TrackedExperiment, TrackedVersion, TrackingImport

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """Versions that one project takes, and in whose name."""

    project: Project
    registered_by_id: int
    tracked_ids: list[int]


def take_over(work: Work) -> None:
    """Import everything that a tracking server holds, or only report what that would bring.

    Safe to repeat and to be killed at any line: what was taken in is known and passed over.
    Raises TrackingUnavailable where a later try may work.
    """
    row = _row(work.job)
    began = time.monotonic()
    found = _read(work, row)
    seconds = {"listing": round(time.monotonic() - began, 3)}
    began = time.monotonic()
    report = _preview(row, found) if row.dry_run else _bring(work, row, found)
    seconds["taking_in"] = round(time.monotonic() - began, 3)
    report["steps"] = _steps(work, row)
    with work.result():
        _finish(row, {**report, "seconds": seconds}, found)


def import_failed(job: Job, reason: str) -> None:
    """Say on the import why it ended without a result. Safe to repeat."""
    row = TrackingImport.objects.select_for_update(of=("self",)).get(pk=_row(job).pk)
    row.report, row.finished_at = {**row.report, "failed": reason}, timezone.now()
    row.save(update_fields=["report", "finished_at"])


def _row(job: Job) -> TrackingImport:
    rows = TrackingImport.objects.select_related("project", "requested_by")
    found = rows.filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The import of this job is gone.")
    return found


def _read(work: Work, row: TrackingImport) -> Listing:
    client = tracking[row.server]
    found = mirroring.everything(client, lambda note: work.progress(10, note))
    mirroring.read_runs(client, row.server, found)
    work.progress(40, f"{len(found.runs)} runs behind versions were read")
    return found


def _preview(row: TrackingImport, found: Listing) -> dict[str, Any]:
    """The same as an import, in a transaction that is taken back."""
    with transaction.atomic():
        report = _taken(row, found)
        _map(row, report)
        for target in _targets(row):
            _count(report, target, _adopt(target))
        _leftover(row, report)
        transaction.set_rollback(True)
    return report


def _bring(work: Work, row: TrackingImport, found: Listing) -> dict[str, Any]:
    with leases.fenced(work.job):
        report = _taken(row, found)
        _map(row, report)
    report["projects"] = dict(row.place.get("projects", {}))
    for target in _targets(row):
        with leases.fenced(work.job):
            _count(report, target, _adopt(target))
            _keep_place(row, report)
        work.progress(70, f"{sum(report['projects'].values())} versions belong to projects")
    _leftover(row, report)
    with leases.fenced(work.job):
        report["copies"] = mirroring.enqueue_copies(row.server)
    work.progress(90, f"{report['copies']} copies are queued")
    return report


def _taken(row: TrackingImport, found: Listing) -> dict[str, Any]:
    taken = mirroring.take_in(row.server, found)
    if not row.dry_run:
        mirroring.tell_of(taken, mirroring.Absence())
    return {
        "seen": {
            "experiments": len(found.experiments),
            "models": len(found.models),
            "versions": len(found.versions),
            "aliases": sum(len(model.aliases) for model in found.models),
            "runs": len(found.runs),
        },
        "new": taken.new,
        "changed": taken.updated,
        "refused": taken.refused[:100],
        "projects": {},
    }


def _map(row: TrackingImport, report: dict[str, Any]) -> None:
    """Let experiments of no project belong to the import's, where that was asked for."""
    if row.project is None or not row.place.get("map_experiments"):
        return
    free = TrackedExperiment.objects.filter(server=row.server, project__isnull=True)
    report["mapped"] = free.update(project=row.project, mapped_by=row.requested_by)


def _targets(row: TrackingImport) -> Iterator[Target]:
    """What goes where, in parts that one transaction takes."""
    mapped = mirroring.mapped_waiting(row.server)
    for experiment in _experiments(mapped):
        for part in _parts(mapped.filter(experiment=experiment)):
            yield Target(experiment.project, experiment.mapped_by_id, part)
    if row.project is not None:
        rest = TrackedVersion.objects.filter(
            server=row.server,
            state=MirrorState.INBOX,
            missing_since__isnull=True,
            experiment__project__isnull=True,
        )
        for part in _parts(rest):
            yield Target(row.project, row.requested_by_id, part)


def _experiments(mapped: QuerySet[TrackedVersion]) -> list[Any]:
    rows = mapped.select_related("experiment__project").order_by("experiment_id")
    return [row.experiment for row in rows.distinct("experiment_id")]


def _parts(rows: QuerySet[TrackedVersion]) -> Iterator[list[int]]:
    """Keys in the order in which the versions were made; nothing left means done."""
    keys = list(rows.order_by("created_at", "number").values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _adopt(target: Target) -> list[int]:
    return mirroring.adopt(
        target.tracked_ids,
        project=target.project,
        registered_by_id=target.registered_by_id,
        origin=Origin.IMPORTED,
        announced=False,
    )


def _count(report: dict[str, Any], target: Target, made: list[int]) -> None:
    slug = target.project.slug
    report["projects"][slug] = report["projects"].get(slug, 0) + len(made)


def _leftover(row: TrackingImport, report: dict[str, Any]) -> None:
    waiting = TrackedVersion.objects.filter(server=row.server, state=MirrorState.INBOX)
    report["inbox"] = waiting.count()


def _keep_place(row: TrackingImport, report: dict[str, Any]) -> None:
    row.place = {**row.place, "projects": report["projects"]}
    row.save(update_fields=["place"])


def _steps(work: Work, row: TrackingImport) -> dict[str, Any]:
    """What higher apps bring along, by title."""
    steps: list[ImportStep] = load_hooks("IMPORT_STEPS")
    return {
        step.title: step.preview(row.server) if row.dry_run else step.run(row.server, work)
        for step in steps
    }


def _finish(row: TrackingImport, report: dict[str, Any], found: Listing) -> None:
    row.report, row.finished_at = report, timezone.now()
    row.save(update_fields=["report", "finished_at"])
    if not row.dry_run:
        SyncPass.objects.create(
            server=row.server,
            kind=PassKind.IMPORT,
            finished_at=row.finished_at,
            complete=True,
            watermark_ms=found.newest_ms,
            report=report,
        )
    record(
        "import:previewed" if row.dry_run else "import:finished",
        subject=row.public_id,
        actor=actor_of(row.requested_by),
        project_id=row.project_id,
        label=str(row),
        after=report,
    )
