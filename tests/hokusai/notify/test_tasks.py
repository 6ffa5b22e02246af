from datetime import timedelta

import pytest
from django.core import mail
from django.db.models.functions import Now

from hokusai.notify import tasks
from hokusai.notify.models import WebhookDelivery
from tests.factories import MessageFactory, WebhookDeliveryFactory
from tests.hokusai.core.conftest import Doorbell
from tests.hokusai.notify.receiver import Receiver

pytestmark = pytest.mark.django_db


def test_the_sweep_rings_for_what_is_due_and_for_what_a_dead_worker_held(
    doorbell: Doorbell,
) -> None:
    message, lost = MessageFactory(), WebhookDeliveryFactory(status="running")
    WebhookDelivery.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    later = WebhookDeliveryFactory()
    WebhookDelivery.objects.filter(pk=later.pk).update(run_after=Now() + timedelta(minutes=5))
    MessageFactory(status="succeeded")
    tasks.sweep()
    assert doorbell.of("notify.send_message") == [message.pk]
    assert doorbell.of("notify.send_webhook") == [lost.pk]


def test_the_tasks_send_what_they_are_rung_for(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    tasks.send_webhook(delivery.pk)
    tasks.send_message(MessageFactory().pk)
    assert len(receiver.received) == len(mail.outbox) == 1
