from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook as Verifier

from hokusai.core.choices import WorkStatus
from hokusai.core.models import Event
from hokusai.notify import outgoing, posting
from hokusai.notify.models import Webhook, WebhookDelivery
from hokusai.notify.signatures import new_secret, seal, unseal
from tests.factories import WebhookDeliveryFactory, WebhookFactory
from tests.hokusai.notify.receiver import Receiver

pytestmark = pytest.mark.django_db


def due(delivery: WebhookDelivery) -> None:
    """Let the next attempt be due now."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(run_after=Now())


def run(delivery: WebhookDelivery) -> WebhookDelivery:
    posting.deliver(delivery.pk)
    delivery.refresh_from_db()
    delivery.webhook.refresh_from_db()
    return delivery


def test_a_message_arrives_signed_and_standard_webhooks_verifies_it(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    assert run(delivery).status == WorkStatus.SUCCEEDED
    (request,) = receiver.received
    verifier = Verifier(unseal(delivery.webhook.secret))
    assert verifier.verify(request.body, request.headers) == {"type": "version.ready"}
    assert request.headers["webhook-id"] == delivery.public_id
    assert request.headers["content-type"] == "application/json"
    (attempt,) = delivery.attempts.all()
    assert (attempt.status_code, attempt.error) == (204, "")


def test_after_a_rotation_old_and_new_secret_verify(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    hook, old = delivery.webhook, new_secret()
    hook.old_secret, hook.old_secret_until = seal(old), timezone.now() + timedelta(hours=1)
    hook.save()
    run(delivery)
    (request,) = receiver.received
    for secret in (old, unseal(hook.secret)):
        Verifier(secret).verify(request.body, request.headers)


def test_a_failure_is_tried_again_later_under_the_same_id(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.status = 503
    assert run(delivery).status == WorkStatus.QUEUED
    posting.deliver(delivery.pk)
    assert len(receiver.received) == 1, "it is not due yet"
    due(delivery)
    receiver.status = 200
    assert run(delivery).status == WorkStatus.SUCCEEDED
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.public_id
    assert first.body == second.body
    assert [row.status_code for row in delivery.attempts.all()] == [503, 200]


def test_each_pause_is_as_long_as_the_schedule_says_and_after_the_last_it_has_failed(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.status = 500
    pauses = []
    while run(delivery).status == WorkStatus.QUEUED:
        pauses.append(round((delivery.run_after - timezone.now()).total_seconds()))
        due(delivery)
    expected = list(posting.RETRY_S)
    assert all(abs(a - b) <= 2 for a, b in zip(pauses, expected, strict=True))
    assert delivery.status == WorkStatus.FAILED
    assert delivery.attempts.count() == len(receiver.received) == len(expected) + 1
    assert "500" in delivery.last_error


def test_an_answer_s_beginning_is_kept(delivery: WebhookDelivery, receiver: Receiver) -> None:
    def refuse(handler: Any) -> None:
        handler.send_response(422)
        handler.end_headers()
        handler.wfile.write(b"no such channel" + b"." * 3000)

    receiver.answering = refuse
    (attempt,) = run(delivery).attempts.all()
    assert attempt.answer.startswith("no such channel")
    assert len(attempt.answer) == posting.KEPT


def test_a_redirect_counts_as_a_failure(delivery: WebhookDelivery, receiver: Receiver) -> None:
    def elsewhere(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        handler.end_headers()

    receiver.answering = elsewhere
    (attempt,) = run(delivery).attempts.all()
    assert (attempt.status_code, delivery.status) == (302, WorkStatus.QUEUED)


def test_a_slow_receiver_is_a_failure_at_the_deadline(
    delivery: WebhookDelivery, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_TIMEOUT_S = 0.2
    receiver.answering = lambda handler: receiver.over.wait() and None
    (attempt,) = run(delivery).attempts.all()
    assert attempt.status_code is None
    assert "0.2 s" in attempt.error
    assert attempt.duration_ms >= 200


def test_an_address_that_turned_private_is_not_sent_to(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    delivery = WebhookDeliveryFactory(webhook__url="https://localhost:1/")
    (attempt,) = run(delivery).attempts.all()
    assert "not sent" in attempt.error


def test_a_secret_that_cannot_be_read_is_told(
    delivery: WebhookDelivery, receiver: Receiver, settings: Settings
) -> None:
    settings.API_KEY_PEPPER = "another"
    (attempt,) = run(delivery).attempts.all()
    assert "rotate" in attempt.error
    assert receiver.received == []


def test_410_switches_the_webhook_off_and_says_so(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.status = 410
    assert run(delivery).status == WorkStatus.FAILED
    assert not delivery.webhook.active
    assert "410" in delivery.webhook.disabled_reason
    event = Event.objects.get(tag="webhook:disabled")
    assert event.after["reason"] == delivery.webhook.disabled_reason
    assert receiver.url not in str(event.after)


def test_a_webhook_that_fails_for_days_is_switched_off(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.status = 500
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=4))
    assert run(delivery).webhook.active
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=5))
    due(delivery)
    assert not run(delivery).webhook.active
    assert delivery.status == WorkStatus.FAILED
    assert Event.objects.filter(tag="webhook:disabled").count() == 1


def test_a_success_ends_the_count_of_days(delivery: WebhookDelivery, receiver: Receiver) -> None:
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=4))
    assert run(delivery).webhook.failing_since is None


def test_nothing_is_sent_to_a_webhook_that_was_switched_off_or_removed(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    Webhook.objects.update(active=False)
    assert run(delivery).status == WorkStatus.CANCELLED
    gone = WebhookDeliveryFactory(
        type="webhook.test", webhook=WebhookFactory(url=receiver.url, removed_at=timezone.now())
    )
    assert run(gone).status == WorkStatus.CANCELLED
    assert receiver.received == []


def test_a_test_is_tried_once_also_where_the_webhook_is_off(receiver: Receiver) -> None:
    receiver.status = 500
    hook = WebhookFactory(url=receiver.url, active=False)
    test = WebhookDeliveryFactory(type="webhook.test", event=None, webhook=hook)
    assert run(test).status == WorkStatus.FAILED
    assert test.webhook.failing_since is None
    assert len(receiver.received) == 1


def test_a_message_whose_worker_died_is_sent_by_the_next_one(
    delivery: WebhookDelivery, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the receiver has it, before it is written here: at least once."""

    class Killed(BaseException):
        """As SIGKILL: nothing after it runs."""

    def killed(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(posting, "_write", killed)
        with pytest.raises(Killed):
            posting.deliver(delivery.pk)
    assert run(delivery).status == WorkStatus.RUNNING
    WebhookDelivery.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert run(delivery).status == WorkStatus.SUCCEEDED
    assert {request.headers["webhook-id"] for request in receiver.received} == {delivery.public_id}
    assert len(receiver.received) == 2


def test_a_message_that_kills_its_workers_ends(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    WebhookDelivery.objects.update(
        status="running",
        attempt=len(posting.RETRY_S) + 1,
        lease_expires_at=Now() - timedelta(seconds=1),
    )
    assert run(delivery).status == WorkStatus.FAILED
    assert receiver.received == []


def test_what_a_worker_sent_after_its_lease_ended_is_not_written(
    delivery: WebhookDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*args: Any, **kwargs: Any) -> outgoing.Answer:
        WebhookDelivery.objects.update(token=99)
        return outgoing.Answer(200, "")

    monkeypatch.setattr(outgoing, "post", overtaken)
    assert run(delivery).status == WorkStatus.RUNNING
    assert not delivery.attempts.exists()
