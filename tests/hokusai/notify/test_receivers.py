import pytest
from django.db import transaction

from hokusai.accounts.choices import Role
from hokusai.core import outbox
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Delivery
from hokusai.notify.choices import TOPIC_OF_TAG, Topic
from hokusai.notify.models import Message, WebhookDelivery
from hokusai.notify.receivers import TellMembers
from tests.factories import ProjectFactory, WebhookFactory, member

pytestmark = pytest.mark.django_db
PATH = "hokusai.notify.receivers.TellMembers"


def test_every_topic_has_an_event_that_leads_to_it() -> None:
    assert set(TOPIC_OF_TAG.values()) == set(Topic)
    assert TellMembers.tags == set(TOPIC_OF_TAG)


def test_a_recorded_event_reaches_members_and_webhooks_through_the_outbox() -> None:
    project = ProjectFactory()
    reviewer = member(project, Role.REVIEWER)
    hook = WebhookFactory(project=project, topics=["promotion.requested"])
    with transaction.atomic():
        record("promotion:requested", subject="prm_1", actor=SYSTEM, project_id=project.pk)
    delivery = Delivery.objects.get(subscriber=PATH)
    assert outbox.deliver(delivery.stream) == 1
    assert Message.objects.get().recipient == reviewer
    assert WebhookDelivery.objects.get().webhook == hook


def test_what_nobody_chooses_is_not_heard() -> None:
    with transaction.atomic():
        record("version:tagged", subject="mdv_1", actor=SYSTEM, project_id=ProjectFactory().pk)
    assert not Delivery.objects.filter(subscriber=PATH).exists()
