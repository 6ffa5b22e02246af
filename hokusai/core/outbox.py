"""Delivering events to subscribers: the head of each stream first, the next once it succeeded."""

import structlog
from django.db.models import Exists, OuterRef
from structlog.contextvars import bound_contextvars

from hokusai.core import leases
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import DomainError, OutsideUnavailable
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.core.models import Delivery
from hokusai.core.subscribers import subscriber

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 5
_DONE = (WorkStatus.SUCCEEDED, WorkStatus.CANCELLED)


def head(stream: str) -> Delivery | None:
    """The first delivery of a stream that has not succeeded; a parked one blocks those behind."""
    return (
        Delivery.objects.filter(stream=stream)
        .exclude(status__in=_DONE)
        .order_by("sequence")
        .first()
    )


def deliver(stream: str) -> int:
    """Deliver what is due in one stream, in order; how many were delivered."""
    delivered = 0
    while (first := head(stream)) and (delivery := leases.claim(Delivery, first.pk)):
        if not _deliver_one(delivery):
            break
        delivered += 1
    return delivered


def _deliver_one(delivery: Delivery) -> bool:
    try:
        if delivery.attempt > MAX_ATTEMPTS:
            last = delivery.last_error or "the worker died"
            _park(delivery, f"Given up after {MAX_ATTEMPTS} attempts; the last: {last}")
            return False
        return _receive(delivery)
    except LeaseLost as error:
        log.warning("lease_lost", delivery=delivery.pk, error=str(error))
        return False


def _receive(delivery: Delivery) -> bool:
    event = delivery.event
    try:
        with bound_contextvars(request_id=event.request_id), Heartbeat(delivery):
            subscriber(delivery.subscriber).receive(event, operation_id=delivery.operation_id)
    except OutsideUnavailable as error:
        leases.put_back(delivery, str(error))
        return False
    except LeaseLost:
        raise
    except (DomainError, KeyError) as error:
        _park(delivery, f"{type(error).__name__}: {error}")
        return False
    leases.finish(delivery, WorkStatus.SUCCEEDED)
    return True


def _park(delivery: Delivery, reason: str) -> None:
    """Set the head aside in sight; those behind it wait until a person tries it again."""
    leases.finish(delivery, WorkStatus.FAILED, reason)
    log.warning("delivery_parked", delivery=delivery.pk, error=reason)


def crashed(stream: str, error: BaseException) -> None:
    """Keep the reason of a crash beside the delivery; the sweep tries again."""
    Delivery.objects.filter(stream=stream, status=WorkStatus.RUNNING).update(
        last_error=f"{type(error).__name__}: {error}"[:2000]
    )


def due_streams(limit: int = 1000) -> list[str]:
    """Streams whose head can be delivered now."""
    ahead = Delivery.objects.filter(
        stream=OuterRef("stream"), sequence__lt=OuterRef("sequence")
    ).exclude(status__in=_DONE)
    return list(
        Delivery.objects.claimable()
        .filter(~Exists(ahead))
        .order_by("run_after")
        .values_list("stream", flat=True)[:limit]
    )
