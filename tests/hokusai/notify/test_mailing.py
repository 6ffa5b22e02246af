import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db.models.functions import Now
from pytest_django import Settings

from hokusai.accounts.models import Membership, User
from hokusai.core.choices import WorkStatus
from hokusai.notify import mailing
from hokusai.notify.models import Message
from tests.factories import MessageFactory

pytestmark = pytest.mark.django_db


def run(message: Message) -> Message:
    mailing.send(message.pk)
    message.refresh_from_db()
    return message


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(self: EmailMessage, fail_silently: bool = False) -> int:
        raise error

    monkeypatch.setattr(EmailMessage, "send", send)


def test_a_message_is_mailed_once(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "hokusai@example.org"
    message = run(MessageFactory())
    run(message)
    (sent,) = mail.outbox
    assert message.status == WorkStatus.SUCCEEDED
    assert (sent.to, sent.from_email) == ([message.recipient.email], "hokusai@example.org")
    assert (sent.subject, sent.body) == (message.subject, message.body)
    assert message.public_id in sent.extra_headers["Message-ID"]


def test_who_left_the_project_meanwhile_is_not_mailed() -> None:
    message = MessageFactory()
    Membership.objects.filter(user=message.recipient).delete()
    assert run(message).status == WorkStatus.CANCELLED
    assert mail.outbox == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
def test_who_cannot_be_mailed_is_not(change: dict[str, Any]) -> None:
    message = MessageFactory()
    User.objects.filter(pk=message.recipient.pk).update(**change)
    assert run(message).status == WorkStatus.CANCELLED
    assert mail.outbox == []


def test_without_a_mail_server_the_message_is_kept_and_says_why(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    message = run(MessageFactory())
    assert message.status == WorkStatus.CANCELLED
    assert "EMAIL_URL" in message.last_error


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("no server"), smtplib.SMTPServerDisconnected("gone")]
)
def test_a_mail_server_that_is_away_is_asked_again_and_in_the_end_given_up(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(monkeypatch, error)
    message, tries = MessageFactory(), 1
    while run(message).status == WorkStatus.QUEUED:
        assert str(error) in message.last_error
        Message.objects.update(run_after=Now())
        tries += 1
    assert message.status == WorkStatus.FAILED
    assert tries == len(mailing.RETRY_S) + 1


def test_an_address_that_the_server_refuses_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing(monkeypatch, smtplib.SMTPRecipientsRefused({}))
    assert run(MessageFactory()).status == WorkStatus.FAILED


def test_a_message_that_kills_its_workers_ends() -> None:
    message = MessageFactory(status="running", attempt=len(mailing.RETRY_S) + 1)
    Message.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert run(message).status == WorkStatus.FAILED
    assert mail.outbox == []
