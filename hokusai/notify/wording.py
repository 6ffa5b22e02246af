"""What a message says: a mail in words, a webhook's body in JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.urls import reverse

from hokusai.accounts.models import Project
from hokusai.core.models import Event
from hokusai.notify.choices import TEST_TYPE, TOPIC_OF_TAG

MAX_SUBJECT = 300
# A larger body leaves out what was before and after: the receiver asks the API.
MAX_BODY_BYTES = 64 * 1024
_SENTENCES = {
    "promotion:requested": "{who} asks for a decision: {what}",
    "promotion:approved": "{who} approved: {what}",
    "promotion:refused": "{who} refused: {what}",
    "promotion:cancelled": "{who} took a request back: {what}",
    "promotion:expired": "A request expired: {what}",
    "stage:changed": "{what} is now {stage}",
    "version:registered": "{who} registered {what}",
    "version:ready": "{what} is ready",
    "version:failed": "The artifact of {what} cannot be used",
    "version:retired": "{who} retired {what}",
    "version:changed-in-mlflow": "{what} was changed here and in MLflow",
    "webhook:disabled": "The webhook to {what} is switched off: it fails",
}
_MAIL = """{sentence}.

Project: {project}
When: {when} UTC
Page: {page}

You get this as a member of {project}. Choose what you are told of: {choices}
"""


def page_url(subject: str) -> str:
    """Where the page of a public id is, from outside."""
    return settings.BASE_URL.rstrip("/") + reverse("admin:find", args=[subject])


def choices_url() -> str:
    """Where a member chooses, from outside."""
    return settings.BASE_URL.rstrip("/") + reverse("admin:notify_message_choices")


def sentence_of(event: Event) -> str:
    """What happened, in one line without a full stop."""
    words = _SENTENCES[event.tag].format(
        who=event.actor_label or event.actor,
        what=event.subject_label or event.subject,
        stage=event.after.get("stage", "elsewhere"),
    )
    # A name may hold line breaks, of which a mail's head must be free.
    return " ".join(words.split())


def mail_subject(event: Event, project: Project) -> str:
    """The subject line of a mail."""
    return f"[{project.slug}] {sentence_of(event)}"[:MAX_SUBJECT]


def mail_body(event: Event, project: Project) -> str:
    """The text of a mail: what, where, when, and links; nothing that is secret."""
    return _MAIL.format(
        sentence=sentence_of(event),
        project=project.slug,
        when=event.recorded_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        page=page_url(event.subject),
        choices=choices_url(),
    )


def webhook_body(event: Event, project: Project) -> str:
    """The body of an event's message: type, time, and what the event says."""
    data = {
        "id": event.public_id,
        "tag": event.tag,
        "project": project.slug,
        "subject": {
            "id": event.subject,
            "label": event.subject_label,
            "url": page_url(event.subject),
        },
        "actor": event.actor_label,
        "before": event.before,
        "after": event.after,
    }
    kind, at = TOPIC_OF_TAG[event.tag].value, event.recorded_at
    body = _body(kind, at, data)
    if len(body.encode()) > MAX_BODY_BYTES:
        body = _body(kind, at, data | {"before": {}, "after": {}, "truncated": True})
    return body


def test_body(project: Project, at: datetime) -> str:
    """The body of a message that tries a webhook out."""
    return _body(TEST_TYPE, at, {"project": project.slug})


def _body(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    content = {"type": kind, "timestamp": at.astimezone(UTC), "data": data}
    return orjson.dumps(content, option=orjson.OPT_UTC_Z).decode()
