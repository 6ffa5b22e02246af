"""How far batches are, for pages and answers."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from deployments.batch_choices import BatchStatus, ChunkStatus
from deployments.models import BatchChunk, BatchPrediction

# Before so many seconds a rate says nothing.
TELLING_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` of the rows; `rows_per_s` since it was started last, `eta_s` at that rate."""

    rows_done: int
    percent: int
    rows_per_s: float | None
    eta_s: float | None


def with_progress(batches: "QuerySet[BatchPrediction]") -> "QuerySet[BatchPrediction]":
    """Batches with the rows that workers told of parts under way."""
    under_way = Sum("chunks__rows_done", filter=Q(chunks__status=ChunkStatus.ASKED))
    return batches.annotate(rows_told=under_way)


def progress_of(batch: Any) -> Progress:
    """How far a batch of `with_progress` is."""
    rows, done = batch.row_count or 0, batch.rows_done
    if batch.status == BatchStatus.RUNNING:
        done = min(rows, done + (batch.rows_told or 0))
    # Parts that are done are not yet one file.
    most = 100 if batch.status == BatchStatus.SUCCEEDED else 99
    percent = min(most, 100 * done // rows) if rows else 0
    rate = _rate(batch, done)
    running = batch.status == BatchStatus.RUNNING and rate
    return Progress(done, percent, rate, round((rows - done) / rate, 1) if running else None)


def _rate(batch: Any, done: int) -> float | None:
    if batch.started_at is None:
        return None
    seconds = ((batch.finished_at or timezone.now()) - batch.started_at).total_seconds()
    fresh = done - batch.rows_before
    return round(fresh / seconds, 1) if seconds >= TELLING_S and fresh > 0 else None


def chunks_shown(batch: BatchPrediction, most: int) -> list[BatchChunk]:
    """Parts of a batch: those under way first, then the latest done, then those that wait."""
    order = {ChunkStatus.ASKED: 0, ChunkStatus.DONE: 1, ChunkStatus.PENDING: 2}
    found: list[BatchChunk] = []
    for status in sorted(order, key=lambda one: order[one]):
        rows = batch.chunks.filter(status=status).select_related("job")
        latest = rows.order_by("-finished_at") if status == ChunkStatus.DONE else rows
        found.extend(latest[: most - len(found)])
    return sorted(found, key=lambda chunk: chunk.position)
