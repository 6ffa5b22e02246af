"""How a batch goes on: each step in the transaction of whoever takes it, the batch locked.

A worker holds its job's row first and the batch's second, everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deployments.batch_choices import BatchStatus, ChunkStatus
from deployments.models import BatchChunk, BatchPrediction
from hokusai.core import doorbell, jobs
from hokusai.core.errors import Conflict
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.models import Job

JOB, CHUNK_JOB = "batch_prediction", "batch_chunk"


@dataclass(frozen=True, slots=True)
class Plan:
    """What planning found: the file to read, how, and the parts as (first row, rows)."""

    table_digest: str
    columns: list[str]
    shape: dict[str, Any]
    chunks: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """The outputs of one part: a blob in the content store."""

    digest: str
    size_bytes: int
    marked: int


def locked(batch_id: int) -> BatchPrediction:
    """The batch, for the rest of the transaction."""
    batch: BatchPrediction = (
        BatchPrediction.objects.select_for_update(of=("self",))
        .select_related("version__model", "version__project", "dataset_version__dataset")
        .get(pk=batch_id)
    )
    return batch


def ask_to_go_on(batch: BatchPrediction) -> None:
    """Ask a worker to plan the batch or, when every part is done, to put them together."""
    batch.job = _job(JOB, batch.public_id, batch, str(batch))
    batch.save(update_fields=["job"])


def _job(kind: str, subject: str, batch: BatchPrediction, label: str) -> Job:
    """A new job, or the last one where it has not noticed yet that the batch had stopped.

    Before it ends it looks again, and sees that the batch goes on.
    """
    try:
        return jobs.enqueue(kind, subject=subject, project_id=batch.project.pk, label=label)
    except Conflict:
        return Job.objects.unfinished().get(kind=kind, subject=subject)


def keep_plan(batch: BatchPrediction, plan: Plan) -> None:
    """Write what was planned, and ask for the first parts; nothing where it is not wanted now."""
    if batch.status != BatchStatus.QUEUED:
        return
    batch.table_digest, batch.columns, batch.shape = plan.table_digest, plan.columns, plan.shape
    batch.row_count = sum(rows for _, rows in plan.chunks)
    batch.save(update_fields=["table_digest", "columns", "shape", "row_count"])
    BatchChunk.objects.bulk_create(
        BatchChunk(batch=batch, position=position, first_row=first_row, rows=rows)
        for position, (first_row, rows) in enumerate(plan.chunks)
    )
    begin(batch, SYSTEM)


def begin(batch: BatchPrediction, actor: Actor) -> None:
    """Let workers at the parts that are not done, or at putting them together."""
    batch.move_to(BatchStatus.RUNNING)
    batch.started_at, batch.rows_before = timezone.now(), batch.rows_done
    batch.save(update_fields=["status", "started_at", "rows_before"])
    tell("batch:started", batch, actor, BatchStatus.QUEUED, rows=batch.row_count)
    # Whoever was asked before may have gone without an answer.
    batch.chunks.filter(status=ChunkStatus.ASKED).update(status=ChunkStatus.PENDING)
    open_chunks = batch.chunks.filter(status=ChunkStatus.PENDING)
    first = list(open_chunks[: settings.BATCH_PARALLEL])
    for chunk in first:
        _ask(batch, chunk)
    if not first:
        ask_to_go_on(batch)


def _ask(batch: BatchPrediction, chunk: BatchChunk) -> None:
    chunk.move_to(ChunkStatus.ASKED)
    chunk.rows_done = 0
    label = f"part {chunk.position} of {batch}"
    chunk.job = _job(CHUNK_JOB, chunk.public_id, batch, label)
    chunk.save(update_fields=["status", "rows_done", "job"])


def keep_part(chunk: BatchChunk, part: Part) -> None:
    """Write a part's outputs, once, and ask for what comes next.

    A part that is done counts, also where the batch was stopped meanwhile.
    """
    batch = locked(chunk.batch_id)
    chunk = batch.chunks.get(pk=chunk.pk)
    if chunk.status == ChunkStatus.DONE:
        return
    chunk.move_to(ChunkStatus.DONE)
    chunk.rows_done, chunk.rows_marked = chunk.rows, part.marked
    chunk.output_digest, chunk.output_bytes = part.digest, part.size_bytes
    chunk.finished_at = timezone.now()
    chunk.save(
        update_fields=[
            "status",
            "rows_done",
            "rows_marked",
            "output_digest",
            "output_bytes",
            "finished_at",
        ]
    )
    batch.rows_done, batch.rows_marked = F("rows_done") + chunk.rows, F("rows_marked") + part.marked
    batch.save(update_fields=["rows_done", "rows_marked"])
    if batch.status == BatchStatus.RUNNING:
        _ask_for_next(batch)


def _ask_for_next(batch: BatchPrediction) -> None:
    waiting = batch.chunks.filter(status=ChunkStatus.PENDING).first()
    if waiting is not None:
        _ask(batch, waiting)
        return
    done = not batch.chunks.exclude(status=ChunkStatus.DONE).exists()
    under_way = Job.objects.unfinished().filter(kind=JOB, subject=batch.public_id)
    if done and not under_way.exists():
        ask_to_go_on(batch)


def finish(batch_id: int, digest: str, size_bytes: int) -> None:
    """Write where the outputs of all rows are; nothing where the batch was stopped."""
    batch = locked(batch_id)
    if batch.status != BatchStatus.RUNNING:
        return
    batch.move_to(BatchStatus.SUCCEEDED)
    batch.output_digest, batch.output_bytes, batch.error = digest, size_bytes, ""
    batch.save(update_fields=["status", "output_digest", "output_bytes", "error"])
    _ended(batch)
    tell(
        "batch:succeeded",
        batch,
        SYSTEM,
        BatchStatus.RUNNING,
        rows=batch.row_count,
        marked=batch.rows_marked,
        output_digest=digest,
    )


def fail(batch_id: int, reason: str, row: int | None = None, column: str | None = None) -> None:
    """Write why there are no outputs; nothing where the batch has ended."""
    batch = locked(batch_id)
    if batch.status not in BatchStatus.under_way():
        return
    before = batch.status
    batch.move_to(BatchStatus.FAILED)
    batch.error, batch.error_row, batch.error_column = reason, row, (column or "")[:200]
    batch.save(update_fields=["status", "error", "error_row", "error_column"])
    _ended(batch)
    tell("batch:failed", batch, SYSTEM, before, error=reason, row=row, column=column)


def cancel(batch: BatchPrediction, actor: Actor) -> None:
    """Let workers stop at their next look. Raises InvalidTransition where the batch has ended."""
    before = batch.status
    batch.move_to(BatchStatus.CANCELLED)
    batch.save(update_fields=["status"])
    _ended(batch)
    tell("batch:cancelled", batch, actor, before, rows_done=batch.rows_done)


def _ended(batch: BatchPrediction) -> None:
    batch.finished_at = timezone.now()
    batch.expires_at = batch.finished_at + timedelta(days=settings.BATCH_KEPT_DAYS)
    batch.save(update_fields=["finished_at", "expires_at"])
    public_id = batch.public_id
    transaction.on_commit(lambda: doorbell.ring("deployments.end_batch", public_id))


def tell(tag: str, batch: BatchPrediction, actor: Actor, before: str, **after: Any) -> None:
    """Record a step."""
    record(
        tag,
        subject=batch.public_id,
        actor=actor,
        project_id=batch.project.pk,
        label=str(batch),
        before={"status": str(before)},
        after={"status": str(batch.status), **after},
    )
