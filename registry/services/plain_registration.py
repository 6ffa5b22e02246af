"""Registering what clients register most, in few statements: a source, tags, metrics.

`register_version` is the rule; whatever it would refuse, ask about or do besides is left to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction

from hokusai.accounts.roles import roles_with
from hokusai.core import doorbell
from hokusai.core.events import Actor, stream_of, unsaved_event
from hokusai.core.jobs import DEFAULT_QUEUE, queue_of
from hokusai.core.models import Delivery, Event, Job
from hokusai.core.prepared import fetch_row, insertion
from hokusai.core.subscribers import subscribers_of
from registry.algorithms.tags import TypedTag
from registry.models import ModelVersion

REGISTERED = "version:registered"
# Only where the key still holds, its owner may register, and the model is there.
_PLACE = """
SELECT m.id, m.model_id, p.id, u.id, u.username, k.name
FROM accounts_apikey k
JOIN accounts_user u ON u.id = k.owner_id AND u.is_active
JOIN accounts_project p ON p.id = k.project_id
JOIN accounts_membership b ON b.project_id = p.id AND b.user_id = u.id
JOIN registry_model m ON m.project_id = p.id AND m.archived_at IS NULL
WHERE k.public_id = %s AND p.slug = %s AND m.slug = %s AND b.role = ANY(%s)
  AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
FOR UPDATE OF m
"""
# A statement of its own: it sees what those committed who held the lock before.
_LAST = """
SELECT coalesce(max(number), 0), EXISTS (
  SELECT 1 FROM registry_modelversion WHERE model_id = %s AND source = %s AND parent_id IS NULL)
FROM registry_modelversion WHERE model_id = %s
"""
_TAGS = """INSERT INTO registry_versiontag (version_id, key, value, kind, number)
SELECT v.id, x.* FROM v, unnest(%s::text[], %s::text[], %s::text[], %s::float8[]) x"""
_SCORES = """INSERT INTO registry_versionmetric (version_id, key, value)
SELECT v.id, x.* FROM v, unnest(%s::text[], %s::float8[]) x"""


@dataclass(frozen=True, slots=True)
class PlainVersion:
    """A version of a model that exists, without parent, data, run or card."""

    project: str
    model: str
    source: str
    tags: Mapping[str, TypedTag] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    model: int
    model_id: str
    project: int
    owner: int
    owner_name: str
    key_name: str


@transaction.atomic
def register_plain(*, key_id: str, given: PlainVersion, request_id: str) -> tuple[str, int] | None:
    """Register a version as `register_version` does: the model's id and the number.

    None, and nothing done, where the ordinary service has more to say.
    """
    roles = sorted(roles_with("registry.register_version"))
    row = fetch_row(_PLACE, (key_id, given.project, given.model, roles))
    if row is None:
        return None
    place = _Place(*row)
    last = fetch_row(_LAST, (place.model, given.source, place.model))
    if last is None or last[1]:
        return None
    version = _version(place, given, last[0] + 1)
    actor = Actor("key", key_id, f"{place.owner_name} ({place.key_name})", place.owner)
    _insert(version, place, given, actor, request_id)
    return place.model_id, version.number


def _version(place: _Place, given: PlainVersion, number: int) -> ModelVersion:
    return ModelVersion(
        project_id=place.project,
        model_id=place.model,
        number=number,
        description=given.description,
        source=given.source,
        metrics=dict(given.metrics),
        parameters=dict(given.parameters),
        registered_by_id=place.owner,
    )


def _insert(
    version: ModelVersion, place: _Place, given: PlainVersion, actor: Actor, request_id: str
) -> None:
    """The version, its tags and metrics, its job, its event and the event's deliveries."""
    label = f"{place.model_id} v{version.number}"
    job = Job(
        kind="artifact_copy",
        subject=version.public_id,
        subject_label=label,
        project_id=place.project,
        request_id=request_id,
    )
    event = _event(version, place, actor, label, request_id)
    parts = [("v", *insertion(version)), ("j", *insertion(job)), ("e", *insertion(event))]
    sql = [f"{name} AS ({text} RETURNING id)" for name, text, _ in parts]
    values = [value for _, _, some in parts for value in some]
    for name, text, some in (*_stated(given), *_deliveries(event)):
        sql.append(f"{name} AS ({text})")
        values += some
    row = fetch_row(f"WITH {', '.join(sql)} SELECT id FROM j", values)  # noqa: S608
    transaction.on_commit(partial(_ring, job, row[0] if row else 0, event))


def _event(
    version: ModelVersion, place: _Place, actor: Actor, label: str, request_id: str
) -> Event:
    return unsaved_event(
        REGISTERED,
        subject=version.public_id,
        actor=actor,
        project_id=place.project,
        label=label,
        request_id=request_id,
        after={
            "model_id": place.model_id,
            "number": version.number,
            "source": version.source,
            "training_data": [],
        },
    )


def _stated(given: PlainVersion) -> list[tuple[str, str, list[Any]]]:
    stated: list[tuple[str, str, list[Any]]] = []
    if given.tags:
        tags = given.tags.values()
        columns = [
            list(given.tags),
            [tag.text for tag in tags],
            [tag.kind for tag in tags],
            [tag.number for tag in tags],
        ]
        stated.append(("t", _TAGS, columns))
    if given.metrics:
        stated.append(("s", _SCORES, [list(given.metrics), list(given.metrics.values())]))
    return stated


def _deliveries(event: Event) -> list[tuple[str, str, list[Any]]]:
    """First in their streams: nobody knew of the subject before."""
    deliveries = (
        Delivery(subscriber=path, stream=stream_of(path, event.subject), sequence=1)
        for path in subscribers_of(event.tag)
    )
    return [
        (f"d{place}", *insertion(delivery, event_id="(SELECT id FROM e)"))
        for place, delivery in enumerate(deliveries)
    ]


def _ring(job: Job, job_id: int, event: Event) -> None:
    rings: list[doorbell.Ring] = [("core.run_job", [job_id], queue_of(job))]
    for path in subscribers_of(event.tag):
        rings.append(("core.deliver", [stream_of(path, event.subject)], DEFAULT_QUEUE))
    doorbell.ring_together(rings)
