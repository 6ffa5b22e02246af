"""Recording what happened, in the transaction in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.db import connection, transaction
from django.db.models import Max

from hokusai.core import doorbell
from hokusai.core.canonical import sha256_hex
from hokusai.core.errors import DomainError
from hokusai.core.models import Delivery, Event
from hokusai.core.subscribers import subscribers_of

LABEL = 200
# What the digest of an event is over.
CONTENT = (
    "tag",
    "actor",
    "actor_label",
    "project_id",
    "subject",
    "subject_label",
    "before",
    "after",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a person's key, or the platform itself."""

    kind: str
    id: str
    label: str
    user_id: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor(kind="system", id="hokusai", label="Hokusai")


def record(
    tag: str,
    *,
    subject: str,
    actor: Actor,
    project_id: int | None,
    label: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Event:
    """Insert one event and a delivery for each subscriber. Raises when outside a transaction."""
    if not connection.in_atomic_block:
        raise DomainError("An event is recorded in the transaction of the change it tells of.")
    stated = stated_event(
        tag,
        subject=subject,
        actor=actor,
        project_id=project_id,
        label=label,
        before=before,
        after=after,
        request_id=current_request_id(),
    )
    event = Event.objects.create(**stated)
    for subscriber in subscribers_of(tag):
        _enqueue(event, subscriber)
    return event


def stated_event(
    tag: str,
    *,
    subject: str,
    actor: Actor,
    project_id: int | None,
    request_id: str,
    label: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The columns of an event with its digest; whoever inserts it adds its deliveries."""
    content = {
        "tag": tag,
        "actor": str(actor),
        "actor_label": actor.label[:LABEL],
        "project_id": project_id,
        "subject": subject,
        "subject_label": label[:LABEL],
        "before": dict(before or {}),
        "after": dict(after or {}),
        "request_id": request_id,
    }
    return {**content, "digest": sha256_hex(_plain(content))}


def digest_of(event: Event) -> str:
    """The digest of what an event's row says now; its own digest, unless the row was changed.

    Raises TypeError for content that no event was recorded with.
    """
    return sha256_hex(_plain({name: getattr(event, name) for name in CONTENT}))


def current_request_id() -> str:
    """The id of the request or task on whose behalf this code runs; empty where there is none."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]


def _plain(content: Mapping[str, Any]) -> bytes:
    """Events may carry floats, which the canonical form of statements refuses."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def stream_of(subscriber: str, subject: str) -> str:
    """The stream in which a subscriber hears of a subject, in order."""
    return f"{subscriber}|{subject}"[:200]


def _enqueue(event: Event, subscriber: str) -> None:
    stream = stream_of(subscriber, event.subject)
    with connection.cursor() as cursor:
        # Held to the end of the transaction, so that sequence order is commit order.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [stream])
    last = Delivery.objects.filter(stream=stream).aggregate(last=Max("sequence"))["last"]
    Delivery.objects.create(
        event=event, subscriber=subscriber, stream=stream, sequence=(last or 0) + 1
    )
    transaction.on_commit(lambda: doorbell.ring("core.deliver", stream))
