"""The worker's side of webhooks: one attempt, what came of it, and when the next one is due."""

import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from hokusai.core import leases
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import DomainError
from hokusai.core.events import SYSTEM, record
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.notify import outgoing, signatures
from hokusai.notify.addresses import host_of
from hokusai.notify.models import Attempt, Webhook, WebhookDelivery

log = structlog.get_logger(__name__)
# Seconds after the first, second … failed attempt; after the last there is none.
RETRY_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
KEPT = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt; `status_code` None where nothing answered."""

    status_code: int | None
    duration_ms: int
    error: str = ""
    answer: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took the message."""
        return not self.error


def deliver(delivery_id: int) -> None:
    """Make one attempt if it is due. Safe to call twice, and to be killed at any line."""
    delivery = leases.claim(WebhookDelivery, delivery_id)
    if delivery is None:
        return
    try:
        _deliver_claimed(delivery)
    except LeaseLost as error:
        log.warning("lease_lost", delivery=delivery.public_id, error=str(error))


def _deliver_claimed(delivery: WebhookDelivery) -> None:
    webhook = delivery.webhook
    if webhook.removed_at is not None or not (webhook.active or delivery.is_test):
        leases.finish(delivery, WorkStatus.CANCELLED, "The webhook was switched off.")
        return
    if delivery.attempt > len(RETRY_S) + 1:
        leases.finish(delivery, WorkStatus.FAILED, "Given up: the worker died at the last attempt.")
        return
    with Heartbeat(delivery):
        outcome = attempt(delivery, webhook)
    _write(delivery, outcome)


def attempt(delivery: WebhookDelivery, webhook: Webhook) -> Outcome:
    """Sign and send once; every failure is an outcome."""
    started = time.monotonic()
    try:
        answer = _send(delivery, webhook)
    except DomainError as error:
        return Outcome(None, _since(started), error=str(error)[:KEPT])
    took_ms, text = _since(started), answer.text[:KEPT]
    if answer.arrived:
        return Outcome(answer.status_code, took_ms, answer=text)
    refusal = f"Answered {answer.status_code}; only 2xx means that it arrived."
    return Outcome(answer.status_code, took_ms, refusal, text)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _send(delivery: WebhookDelivery, webhook: Webhook) -> outgoing.Answer:
    body = delivery.body.encode()
    held = [signatures.unseal(sealed) for sealed in webhook.sealed_secrets(timezone.now())]
    signed = signatures.signed_headers(
        held, message_id=delivery.public_id, timestamp_s=int(time.time()), body=body
    )
    return outgoing.post(
        webhook.url,
        headers={**signed, "Content-Type": "application/json", "User-Agent": "Hokusai-Webhooks/1"},
        body=body,
        timeout_s=settings.WEBHOOK_TIMEOUT_S,
    )


def _write(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Keep the attempt and settle what follows, while the delivery is ours."""
    with leases.fenced(delivery):
        Attempt.objects.create(
            delivery=delivery,
            number=delivery.token,
            status_code=outcome.status_code,
            duration_ms=outcome.duration_ms,
            error=outcome.error,
            answer=outcome.answer,
        )
        webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
        if outcome.arrived:
            leases.finish(delivery, WorkStatus.SUCCEEDED)
            _save(webhook, failing_since=None)
        else:
            _settle_failure(delivery, webhook, outcome)


def _settle_failure(delivery: WebhookDelivery, webhook: Webhook, outcome: Outcome) -> None:
    if not delivery.is_test:
        _blame(webhook, outcome)
    last = delivery.is_test or not webhook.active or delivery.attempt > len(RETRY_S)
    if last:
        leases.finish(delivery, WorkStatus.FAILED, outcome.error)
    else:
        _put_off(delivery, outcome.error, RETRY_S[delivery.attempt - 1])


def _put_off(delivery: WebhookDelivery, error: str, delay_s: int) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=WorkStatus.QUEUED,
        last_error=error,
        lease_expires_at=None,
        run_after=Now() + timedelta(seconds=delay_s),
    )


def _blame(webhook: Webhook, outcome: Outcome) -> None:
    """Note since when the webhook fails; switch it off where it asked for that, or for days."""
    now = timezone.now()
    since = webhook.failing_since or now
    _save(webhook, failing_since=since)
    if outcome.status_code == HTTPStatus.GONE:
        _switch_off(webhook, "The receiver answered 410: it wants no more messages.")
    elif now - since >= timedelta(days=settings.WEBHOOK_GIVE_UP_DAYS):
        _switch_off(webhook, f"Nothing arrived for {settings.WEBHOOK_GIVE_UP_DAYS:g} days.")


def _switch_off(webhook: Webhook, reason: str) -> None:
    if not webhook.active:
        return
    _save(webhook, active=False, disabled_reason=reason)
    record(
        "webhook:disabled",
        subject=webhook.public_id,
        actor=SYSTEM,
        project_id=webhook.project_id,
        label=host_of(webhook.url),
        before={"active": True},
        after={"active": False, "reason": reason},
    )


def _save(webhook: Webhook, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(webhook, name, value)
    webhook.save(update_fields=list(changes))
