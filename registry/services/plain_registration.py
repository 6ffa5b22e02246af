"""Registering what clients register most, in few statements: a source, tags, metrics.

`register_version` is the rule; whatever it would refuse, ask about or do besides is left to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from hokusai.accounts.roles import roles_with
from hokusai.core import doorbell
from hokusai.core.events import Actor, stated_event, stream_of
from hokusai.core.ids import new_id
from hokusai.core.jobs import DEFAULT_QUEUE, queue_of_kind
from hokusai.core.models import Delivery, Event, Job
from hokusai.core.prepared import fetch_row, fetch_rows, insertion
from hokusai.core.subscribers import subscribers_of
from registry.algorithms.tags import TypedTag
from registry.models import ModelVersion

REGISTERED = "version:registered"
COPY = "artifact_copy"
Part = tuple[str, list[Any]]
_OF_EVENT = (("event_id", "(SELECT id FROM e)"),)
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


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration decided; all else of the version is as given, or a default."""

    public_id: str
    model_id: str
    number: int
    registered_by: str
    created_at: datetime


@transaction.atomic
def register_plain(*, key_id: str, given: PlainVersion, request_id: str) -> Registered | None:
    """Register a version as `register_version` does.

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
    number = last[0] + 1
    actor = Actor("key", key_id, f"{place.owner_name} ({place.key_name})", place.owner)
    version = _version(place, given, number)
    created_at = _insert(version, place, given, actor, request_id)
    return Registered(version["public_id"], place.model_id, number, place.owner_name, created_at)


def _version(place: _Place, given: PlainVersion, number: int) -> dict[str, Any]:
    return {
        "public_id": new_id("mdv"),
        "project_id": place.project,
        "model_id": place.model,
        "number": number,
        "description": given.description,
        "source": given.source,
        "metrics": dict(given.metrics),
        "parameters": dict(given.parameters),
        "registered_by_id": place.owner,
    }


def _insert(
    version: dict[str, Any], place: _Place, given: PlainVersion, actor: Actor, request_id: str
) -> datetime:
    """The version, its tags and metrics, its job, its event and the event's deliveries.

    When it was registered.
    """
    subject, number = version["public_id"], version["number"]
    label = f"{place.model_id} v{number}"
    job = {
        "kind": COPY,
        "subject": subject,
        "subject_label": label,
        "project_id": place.project,
        "request_id": request_id,
    }
    event = stated_event(
        REGISTERED,
        subject=subject,
        actor=actor,
        project_id=place.project,
        label=label,
        request_id=request_id,
        after={
            "model_id": place.model_id,
            "number": number,
            "source": given.source,
            "training_data": [],
        },
    )
    made = (("v", ModelVersion, version), ("j", Job, job), ("e", Event, event))
    parts = [(f"{name} AS ({{}} RETURNING *)", insertion(model, row)) for name, model, row in made]
    parts += [(f"{name} AS ({{}})", part) for name, part in (*_stated(given), *_told(subject))]
    sql = ", ".join(frame.format(text) for frame, (text, _) in parts)
    values = [value for _, (_, some) in parts for value in some]
    (row,) = fetch_rows(f"WITH {sql} SELECT j.id, v.created_at FROM j, v", values)  # noqa: S608
    transaction.on_commit(partial(_ring, row[0], subject))
    created_at: datetime = row[1]
    return created_at


def _stated(given: PlainVersion) -> list[tuple[str, Part]]:
    stated: list[tuple[str, Part]] = []
    if given.tags:
        tags = given.tags.values()
        columns = [
            list(given.tags),
            [tag.text for tag in tags],
            [tag.kind for tag in tags],
            [tag.number for tag in tags],
        ]
        stated.append(("t", (_TAGS, columns)))
    if given.metrics:
        stated.append(("s", (_SCORES, [list(given.metrics), list(given.metrics.values())])))
    return stated


def _told(subject: str) -> list[tuple[str, Part]]:
    """Deliveries, first in their streams: nobody knew of the subject before."""
    rows = [
        {"subscriber": path, "stream": stream_of(path, subject), "sequence": 1}
        for path in subscribers_of(REGISTERED)
    ]
    parts = [insertion(Delivery, row, references=_OF_EVENT) for row in rows]
    if not parts:
        return []
    head, values, places = parts[0][0].partition(" VALUES ")
    text = head + values + ", ".join([places] * len(parts))
    return [("d", (text, [value for _, some in parts for value in some]))]


def _ring(job_id: int, subject: str) -> None:
    rings: list[doorbell.Ring] = [("core.run_job", [job_id], queue_of_kind(COPY))]
    for path in subscribers_of(REGISTERED):
        rings.append(("core.deliver", [stream_of(path, subject)], DEFAULT_QUEUE))
    doorbell.ring_together(rings)
