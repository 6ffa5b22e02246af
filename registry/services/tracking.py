"""Asking for looks at the tracking servers: by schedule, by hint, by a person."""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict
from hokusai.core.models import Job
from hokusai.tracking.webhooks import Delivery
from registry.mirroring.subjects import LABEL, subject_of
from registry.models import SyncPass, WebhookReceipt
from registry.models.mirror import OURS

RECONCILE, SWEEP, REFETCH = "mlflow_reconcile", "mlflow_sweep", "mlflow_refetch"
# A delivery older than five minutes is refused whatever its id.
RECEIPTS_KEPT = timedelta(minutes=15)
PASSES_KEPT = timedelta(days=14)
JOBS_KEPT = timedelta(hours=6)


def request_reconciles() -> int:
    """A look at what is new on each server, where none is under way; how many were asked for."""
    return sum(request_reconcile(server=alias) for alias in settings.TRACKING)


def request_sweeps() -> int:
    """A look at everything on each server, where none is under way; how many were asked for."""
    return sum(_request(SWEEP, alias) for alias in settings.TRACKING)


def request_reconcile(*, server: str) -> bool:
    """A look at what is new; False where one is under way already."""
    return _request(RECONCILE, server)


def request_sweep(*, server: str) -> bool:
    """A look at everything; False where one is under way already."""
    return _request(SWEEP, server)


def _request(kind: str, server: str) -> bool:
    try:
        jobs.enqueue(kind, subject=subject_of(server), project_id=None, label=server)
    except Conflict:
        return False
    return True


@transaction.atomic
def take_hint(*, delivery: Delivery) -> bool:
    """Note that something changed there and let a worker fetch it; False for a known delivery."""
    try:
        with transaction.atomic():
            WebhookReceipt.objects.create(delivery_id=delivery.delivery_id)
    except IntegrityError:
        return False
    label = f"{delivery.name}/{delivery.version}"
    if not delivery.name or len(label) > LABEL or "/" in delivery.name:
        _request(SWEEP, OURS)
        return True
    # The second stands behind a first that runs already and may have read too early.
    digest = hashlib.sha256(label.encode()).hexdigest()[:32]
    for subject in (f"hint_{digest}", f"hint_again_{digest}"):
        if _hint(subject, label):
            break
    return True


def _hint(subject: str, label: str) -> bool:
    """Whether a fetch that begins later is queued now."""
    try:
        jobs.enqueue(REFETCH, subject=subject, project_id=None, label=label)
    except Conflict:
        waiting = Job.objects.filter(kind=REFETCH, subject=subject, status=WorkStatus.QUEUED)
        return waiting.exists()
    return True


def forget_tracking() -> int:
    """Delete receipts, passes and finished looks that nobody asks about any more; how many."""
    now = timezone.now()
    receipts, _ = WebhookReceipt.objects.filter(received_at__lt=now - RECEIPTS_KEPT).delete()
    last = SyncPass.objects.filter(complete=True).order_by().values("server", "kind")
    kept = last.annotate(last=Max("pk")).values("last")
    old = SyncPass.objects.filter(started_at__lt=now - PASSES_KEPT).exclude(pk__in=kept)
    passes, _ = old.delete()
    done = Job.objects.filter(
        kind__in=(RECONCILE, SWEEP, REFETCH),
        status=WorkStatus.SUCCEEDED,
        finished_at__lt=now - JOBS_KEPT,
    )
    finished, _ = done.delete()
    return receipts + passes + finished
