"""Exports: logged predictions of a deployment as one file of CloudEvents."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.exceptions import NoExport
from deployments.log_models import PredictionExport, PredictionLog
from deployments.models import Deployment
from deployments.prediction_log import cloud_events
from hokusai.core import jobs
from hokusai.core.errors import InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.jobs import Work
from hokusai.storage import stores
from hokusai.storage.sweeping import Reference

KIND: Final = "prediction_export"
PAGE: Final = 1_000
MAX_SPAN: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class OpenExport:
    """A link to the events, and the sha256 of what is behind it."""

    url: str
    sha256: str


@transaction.atomic
def request_export(
    *, deployment: Deployment, since: datetime, until: datetime, actor: Actor
) -> PredictionExport:
    """Let a worker write the predictions from `since` until before `until` to the content store.

    Raises InvalidInput for a time that does not end after it begins, or is longer than 31 days.
    """
    check_span(since, until)
    export = PredictionExport.objects.create(
        deployment=deployment,
        since=since,
        until=until,
        created_by_id=actor.user_id,  # type: ignore[misc]
    )
    export.job = jobs.enqueue(
        KIND, subject=export.public_id, project_id=export.project.pk, label=str(export)
    )
    export.save(update_fields=["job"])
    record(
        "predictions:export-requested",
        subject=deployment.public_id,
        actor=actor,
        project_id=export.project.pk,
        label=str(deployment),
        after={
            "export": export.public_id,
            "since": since.isoformat(),
            "until": until.isoformat(),
        },
    )
    return export


def open_export(*, export_id: int, actor: Actor) -> OpenExport:
    """A link to the file. Raises NoExport while there is none, or none any more."""
    export = PredictionExport.objects.select_related("deployment__model__project").get(pk=export_id)
    if not export.digest:
        raise NoExport("The export has not been written.")
    if export.created_at < kept_since():
        raise NoExport(f"Exports are kept for {settings.PREDICTION_LOG_DAYS} days.")
    with transaction.atomic():
        record(
            "predictions:export-downloaded",
            subject=export.deployment.public_id,
            actor=actor,
            project_id=export.project.pk,
            label=str(export.deployment),
            after={"export": export.public_id, "digest": export.digest},
        )
    name = f"{export.deployment.slug}-{export.since:%Y%m%dT%H%M}-{export.public_id}.ndjson"
    url = stores["default"].blob_url(
        export.digest, filename=name, expires_s=settings.DOWNLOAD_LINK_S
    )
    return OpenExport(url, export.digest)


def export_predictions(work: Work) -> None:
    """Write the file of an export; the job's handler. Safe to run twice."""
    export = PredictionExport.objects.select_related("deployment").get(public_id=work.job.subject)
    with tempfile.TemporaryDirectory(prefix="hokusai-export-") as folder:
        path = Path(folder) / "events.ndjson"
        with path.open("wb") as file:
            events = _told(work, export, file)
        digest, size = stores["default"].put_file(path), path.stat().st_size
    with work.result():
        export.digest, export.size_bytes, export.events = digest, size, events
        export.save(update_fields=["digest", "size_bytes", "events"])


def write_events(
    deployment: Deployment, since: datetime, until: datetime, file: BinaryIO
) -> Iterator[tuple[int, datetime]]:
    """Write the events of a time to a file; after each page how many so far, and until when.

    Raises InvalidInput as `request_export` does.
    """
    check_span(since, until)
    events = 0
    for page in _pages(deployment, since, until):
        for row in page:
            for line in cloud_events.lines(row):
                file.write(line)
                events += 1
        yield events, page[-1].at


def kept_since() -> datetime:
    """Files of older exports are gone, as the rows that they were made of."""
    return timezone.now() - timedelta(days=settings.PREDICTION_LOG_DAYS)


class ExportContent:
    """What exports keep in the content store: a hook of CONTENT_REFERENCES."""

    def digests(self) -> Iterator[Reference]:
        kept = PredictionExport.objects.filter(created_at__gte=kept_since()).exclude(digest="")
        for digest in kept.order_by().values_list("digest", flat=True).iterator():
            yield "blob", digest


def _told(work: Work, export: PredictionExport, file: BinaryIO) -> int:
    events, told = 0, 0
    span = export.until - export.since
    written = write_events(export.deployment, export.since, export.until, file)
    for events, at in written:
        percent = int(99 * ((at - export.since) / span))
        if percent >= told + 5:
            told = percent
            work.progress(percent, f"{events} events.")
        else:
            work.check()
    return events


def _pages(
    deployment: Deployment, since: datetime, until: datetime
) -> Iterator[list[PredictionLog]]:
    rows = (
        PredictionLog.objects.filter(deployment=deployment, at__lt=until)
        .select_related("deployment", "revision__version__model")
        .order_by("at", "id")
    )
    page = list(rows.filter(at__gte=since)[:PAGE])
    while page:
        yield page
        last = page[-1]
        later = rows.filter(at__gt=last.at)
        same = rows.filter(at=last.at, id__gt=last.pk)
        page = [*same, *later[:PAGE]] if len(page) >= PAGE else []


def check_span(since: datetime, until: datetime) -> None:
    """Raises InvalidInput for a time that does not end after it begins, or is too long."""
    if until <= since:
        raise InvalidInput("The time ends before it begins.")
    if until - since > MAX_SPAN:
        raise InvalidInput(f"Ask for at most {MAX_SPAN.days} days at once.")
