"""Ringing for messages: at once when they are queued, and again for what nobody heard."""

from django.db import transaction

from hokusai.core import doorbell
from hokusai.notify.models import Message, WebhookDelivery

SEND_MESSAGE, SEND_WEBHOOK = "notify.send_message", "notify.send_webhook"
BATCH = 1000


def ring_for_message(pk: int) -> None:
    """Ring when the transaction commits."""
    transaction.on_commit(lambda: doorbell.ring(SEND_MESSAGE, pk))


def ring_for_webhook(pk: int) -> None:
    """Ring when the transaction commits."""
    transaction.on_commit(lambda: doorbell.ring(SEND_WEBHOOK, pk))


def ring_for_due() -> int:
    """Ring for what is due, also where a worker died with it; how many rings."""
    messages = list(Message.objects.claimable().order_by("run_after")[:BATCH])
    for message in messages:
        doorbell.ring(SEND_MESSAGE, message.pk)
    deliveries = list(WebhookDelivery.objects.claimable().order_by("run_after")[:BATCH])
    for delivery in deliveries:
        doorbell.ring(SEND_WEBHOOK, delivery.pk)
    return len(messages) + len(deliveries)
