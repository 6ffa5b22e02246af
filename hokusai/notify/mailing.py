"""The worker's side of mail: one message to one person through Django's mail backend."""

import smtplib
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models.functions import Now

from hokusai.accounts.models import Membership
from hokusai.core import leases
from hokusai.core.choices import WorkStatus
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.notify.models import Message

log = structlog.get_logger(__name__)
# Seconds after each failed attempt; after the last there is none.
RETRY_S = (30, 300, 1800, 7200, 18_000)
KEPT = 500
NO_SERVER = "No mail server is set (EMAIL_URL): the message is kept here and was not sent."
_DUMMY = "django.core.mail.backends.dummy.EmailBackend"


def send(message_id: int) -> None:
    """Send one message if it is due. Safe to call twice, and to be killed at any line."""
    message = leases.claim(Message, message_id)
    if message is None:
        return
    try:
        _send_claimed(message)
    except LeaseLost as error:
        log.warning("lease_lost", message=message.public_id, error=str(error))


def _send_claimed(message: Message) -> None:
    if reason := _obstacle(message):
        leases.finish(message, WorkStatus.CANCELLED, reason)
        return
    if message.attempt > len(RETRY_S) + 1:
        leases.finish(message, WorkStatus.FAILED, "Given up: the worker died at the last attempt.")
        return
    try:
        with Heartbeat(message):
            _mail(message).send()
    except smtplib.SMTPRecipientsRefused:
        leases.finish(message, WorkStatus.FAILED, "The mail server refuses the address.")
    except (smtplib.SMTPException, OSError) as error:
        _settle_failure(message, f"{type(error).__name__}: {error}"[:KEPT])
    else:
        leases.finish(message, WorkStatus.SUCCEEDED)


def _obstacle(message: Message) -> str:
    """Why it is not sent: asked again now, as rights may have ended since it was queued."""
    if settings.EMAIL_BACKEND == _DUMMY:
        return NO_SERVER
    person = message.recipient
    member = Membership.objects.filter(project=message.project_id, user=person)
    if not person.is_active or not member.exists():
        return "The recipient is no member of the project any more."
    return "" if person.email else "The recipient has no address."


def _mail(message: Message) -> EmailMessage:
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    return EmailMessage(
        message.subject,
        message.body,
        to=[message.recipient.email],
        # The same at each attempt, so that mail programs show one sent twice once.
        headers={"Message-ID": f"<{message.public_id}@{host}>", "Auto-Submitted": "auto-generated"},
    )


def _settle_failure(message: Message, error: str) -> None:
    with leases.fenced(message):
        if message.attempt > len(RETRY_S):
            leases.finish(message, WorkStatus.FAILED, error)
            return
        Message.objects.filter(pk=message.pk).update(
            status=WorkStatus.QUEUED,
            last_error=error,
            lease_expires_at=None,
            run_after=Now() + timedelta(seconds=RETRY_S[message.attempt - 1]),
        )
