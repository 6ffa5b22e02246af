"""One look at a tracking server, at what is new or at everything."""

from typing import Any

from django.db.models import Max
from django.utils import timezone

from hokusai.core import leases
from hokusai.core.jobs import Work
from hokusai.tracking import tracking
from registry import mirroring
from registry.choices import Origin, PassKind
from registry.mirroring import Absence, Listing, Taken
from registry.mirroring.missing import newest_known
from registry.mirroring.subjects import server_behind
from registry.models import SyncPass

# Clocks differ, and what was committed while a listing was read may lie before its newest row.
OVERLAP_MS = 5 * 60 * 1000
ADOPTED_AT_ONCE = 200


def reconcile(work: Work) -> None:
    """Fetch what was updated since the last look. Safe to repeat and to be killed at any line.

    Raises TrackingUnavailable where a later try may work.
    """
    server = server_behind(work.job.subject)
    watermark = _watermark(server)
    kind = PassKind.INCREMENTAL if watermark is not None else PassKind.FULL
    look(work, server, kind, max(0, (watermark or 0) - OVERLAP_MS))


def sweep(work: Work) -> None:
    """Fetch everything, and count what is missing. As `reconcile` otherwise."""
    look(work, server_behind(work.job.subject), PassKind.FULL, 0)


def look(work: Work, server: str, kind: PassKind, floor_ms: int) -> None:
    """One pass. One that ends early counts for nothing."""
    client, row = tracking[server], _begin(server, kind)
    newest = newest_known(server)
    if kind == PassKind.FULL:
        found = mirroring.everything(client, lambda note: work.progress(20, note))
    else:
        found = mirroring.news(client, floor_ms)
    mirroring.read_runs(client, server, found)
    work.progress(60, f"{len(found.versions)} versions were read")
    with leases.fenced(work.job):
        taken = mirroring.take_in(server, found)
        lost = _absences(server, found, row, newest)
        mirroring.tell_of(taken, lost)
    adopted = adopt_mapped(server, work)
    with work.result():
        _finish(row, found, report_of(found, taken, lost, adopted))


def adopt_mapped(server: str, work: Work) -> int:
    """Make versions of what waits in experiments that belong to projects; how many."""
    adopted = 0
    while batch := list(
        mirroring.mapped_waiting(server)
        .select_related("experiment__project")
        .order_by("experiment_id", "created_at", "number")[:ADOPTED_AT_ONCE]
    ):
        work.check()
        experiment = batch[0].experiment
        if experiment is None or experiment.project is None or experiment.mapped_by_id is None:
            break
        made = mirroring.adopt(
            [row.pk for row in batch if row.experiment_id == experiment.pk],
            project=experiment.project,
            registered_by_id=experiment.mapped_by_id,
            origin=Origin.PULLED,
        )
        adopted += len(made)
    return adopted


def report_of(found: Listing, taken: Taken, lost: Absence | None, adopted: int) -> dict[str, Any]:
    """Counts of what a pass saw and changed."""
    told = {
        "seen": {
            "experiments": len(found.experiments),
            "models": len(found.models),
            "versions": len(found.versions),
        },
        "new": taken.new,
        "changed": len(taken.changed),
        "adopted": adopted,
        "refused": taken.refused[:50],
        "remade_experiments": taken.remade,
    }
    if lost is not None:
        told["missed"], told["missing"] = lost.missed, lost.missing
        told["came_back_empty"] = lost.empty
    return told


def _watermark(server: str) -> int | None:
    """The newest change that a complete pass saw; None where there was none yet."""
    complete = SyncPass.objects.filter(server=server, complete=True)
    found: int | None = complete.aggregate(newest=Max("watermark_ms"))["newest"]
    return found


def _begin(server: str, kind: PassKind) -> SyncPass:
    """A row for this look; one that a killed worker or an outage left open is taken over."""
    left = SyncPass.objects.filter(server=server, kind=kind).order_by("-id").first()
    if left is None or left.finished_at is not None:
        return SyncPass.objects.create(server=server, kind=kind)
    left.started_at = timezone.now()
    left.save(update_fields=["started_at"])
    return left


def _absences(server: str, found: Listing, row: SyncPass, newest: int) -> Absence:
    if not found.whole:
        return Absence()
    return mirroring.note_absences(server, found, seen_in=row.pk, newest=newest)


def _finish(row: SyncPass, found: Listing, report: dict[str, Any]) -> None:
    row.finished_at, row.complete, row.report = timezone.now(), True, report
    row.watermark_ms = max(found.newest_ms, _watermark(row.server) or 0)
    row.save(update_fields=["finished_at", "complete", "report", "watermark_ms"])
