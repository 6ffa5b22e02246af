"""Delivering events to subscribers: the head of each stream first, the next once it succeeded."""

import structlog

from hokusai.core import leases
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import DomainError, OutsideUnavailable
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.core.models import Delivery
from hokusai.core.subscribers import subscriber

log = structlog.get_logger(__name__)


def head(stream: str) -> Delivery | None:
    """The first delivery of a stream that has not succeeded; a parked one blocks those behind."""
    return (
        Delivery.objects.filter(stream=stream)
        .exclude(status__in=(WorkStatus.SUCCEEDED, WorkStatus.CANCELLED))
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
        with Heartbeat(delivery):
            subscriber(delivery.subscriber).receive(
                delivery.event, operation_id=delivery.operation_id
            )
    except OutsideUnavailable as error:
        leases.put_back(delivery, str(error))
        return False
    except LeaseLost:
        return False
    except (DomainError, KeyError) as error:
        leases.finish(delivery, WorkStatus.FAILED, f"{type(error).__name__}: {error}")
        log.warning("delivery_parked", delivery=delivery.pk, error=str(error))
        return False
    leases.finish(delivery, WorkStatus.SUCCEEDED)
    return True


def due_streams(limit: int = 1000) -> list[str]:
    """Streams whose head can be delivered now."""
    return list(
        Delivery.objects.claimable()  # type: ignore[attr-defined]
        .order_by()
        .values_list("stream", flat=True)
        .distinct()[:limit]
    )
