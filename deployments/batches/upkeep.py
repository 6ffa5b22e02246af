"""Ending what batches leave behind: children, files on this machine, outputs past their time."""

import time

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from deployments.batch_choices import BatchStatus
from deployments.batches import places, steps
from deployments.batches.children import batch_of_key, keys_of_batches, stop_children
from deployments.models import BatchPrediction
from hokusai.core.events import SYSTEM

# A file that nobody needed for so long goes; whoever needs it again brings it again.
UNUSED_S = 3600
AT_ONCE = 100


def end_batch(batch_id: str) -> None:
    """End the children of a batch that has ended, and free this machine's disk.

    Does nothing for one that goes on. Raises RunnerDown.
    """
    batch = BatchPrediction.objects.filter(public_id=batch_id).first()
    if batch is not None and batch.status in BatchStatus.under_way():
        return
    stop_children(batch_id)
    if batch is not None and batch.table_digest not in _read_now():
        (places.folder() / (batch.table_digest or batch.file_digest)).unlink(missing_ok=True)


def tend_batches() -> None:
    """Forget what is past its time, and end what nobody needs any more. Raises RunnerDown."""
    expired = BatchPrediction.objects.filter(expires_at__lt=Now(), forgotten_at=None)
    for batch_pk in list(expired.values_list("pk", flat=True)[:AT_ONCE]):
        forget(batch_pk)
    _drop_files()
    wanted = set(_under_way().values_list("public_id", flat=True))
    for batch_id in {batch_of_key(key) for key in keys_of_batches()} - wanted:
        stop_children(batch_id)


@transaction.atomic
def forget(batch_pk: int) -> None:
    """Let go of the table and the outputs of a batch; the row stays. Safe to repeat."""
    batch = steps.locked(batch_pk)
    if batch.forgotten_at is not None or batch.status in BatchStatus.under_way():
        return
    batch.forgotten_at = timezone.now()
    batch.save(update_fields=["forgotten_at"])
    steps.tell("batch:forgotten", batch, SYSTEM, batch.status, kept_days=settings.BATCH_KEPT_DAYS)


def _under_way() -> "QuerySet[BatchPrediction]":
    return BatchPrediction.objects.filter(status__in=BatchStatus.under_way())


def _read_now() -> set[str]:
    """Digests of the tables that are worked on."""
    rows = _under_way().values_list("file_digest", "table_digest")
    return {digest for row in rows for digest in row}


def _drop_files() -> None:
    needed, before = _read_now(), time.time() - UNUSED_S
    for path in places.folder().iterdir():
        if path.name not in needed and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
