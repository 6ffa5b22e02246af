from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Forbidden, InvalidInput, InvalidTransition, NotFound
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event
from hokusai.notify import services
from hokusai.notify.choices import Topic
from hokusai.notify.exceptions import WebhookInactive
from hokusai.notify.models import Message, Subscription, Webhook, WebhookDelivery
from hokusai.notify.signatures import unseal
from tests.factories import (
    EventFactory,
    MessageFactory,
    ProjectFactory,
    SubscriptionFactory,
    UserFactory,
    WebhookDeliveryFactory,
    WebhookFactory,
    member,
)
from tests.hokusai.core.conftest import Doorbell

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.org/in?token=abc"
READY = Topic.VERSION_READY.value


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def owner(project: Project) -> User:
    return member(project, Role.OWNER)


@pytest.fixture
def actor(owner: User) -> Actor:
    return actor_of(owner)


def only_event(tag: str) -> Event:
    return Event.objects.get(tag=tag)


def test_a_member_chooses_and_goes_back_to_the_default(
    project: Project, owner: User, actor: Actor
) -> None:
    services.choose(
        project=project, user=owner, choices={READY: True, "stage.changed": False}, actor=actor
    )
    services.choose(project=project, user=owner, choices={READY: None}, actor=actor)
    (left,) = Subscription.objects.of(owner)
    assert (left.topic, left.wanted, left.project) == ("stage.changed", False, project)
    last = Event.objects.filter(tag="notifications:chosen").first()
    assert last is not None
    assert (last.before, last.after) == (
        {READY: True, "stage.changed": False},
        {"stage.changed": False},
    )


def test_a_choice_for_an_unknown_topic_is_refused_and_nothing_is_kept(
    project: Project, owner: User, actor: Actor
) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.choose(
            project=project, user=owner, choices={READY: True, "weather": True}, actor=actor
        )
    assert refused.value.context["unknown"] == ["weather"]
    assert not Subscription.objects.exists()


def test_a_member_changes_only_their_own_choices(project: Project, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        services.choose(project=project, user=member(project), choices={READY: True}, actor=actor)


def test_who_is_no_member_chooses_nothing(project: Project) -> None:
    stranger = UserFactory()
    with pytest.raises(NotFound):
        services.choose(
            project=project, user=stranger, choices={READY: True}, actor=actor_of(stranger)
        )


def test_a_webhook_s_secret_is_kept_sealed_and_no_event_holds_it(
    project: Project, actor: Actor
) -> None:
    shown = services.create_webhook(project=project, url=URL, topics=[READY, READY], actor=actor)
    kept = Webhook.objects.get()
    assert unseal(kept.secret) == shown.secret
    assert kept.topics == [READY]
    event = only_event("webhook:created")
    said = f"{event.after} {event.subject_label}"
    assert event.after["host"] == "hooks.example.org"
    assert "token" not in said
    assert shown.secret not in said


@pytest.mark.parametrize(
    ("url", "topics"),
    [
        (URL, []),
        (URL, ["weather"]),
        ("http://hooks.example.org/", [READY]),
        ("https://169.254.169.254/", [READY]),
    ],
)
def test_what_cannot_be_sent_to_is_no_webhook(
    project: Project, actor: Actor, url: str, topics: list[str]
) -> None:
    with pytest.raises(InvalidInput):
        services.create_webhook(project=project, url=url, topics=topics, actor=actor)
    assert not Webhook.objects.exists()


def test_the_platform_makes_no_webhook(project: Project) -> None:
    with pytest.raises(Forbidden):
        services.create_webhook(project=project, url=URL, topics=[READY], actor=SYSTEM)


def test_a_webhook_is_changed_in_what_is_given(actor: Actor) -> None:
    hook = WebhookFactory()
    services.change_webhook(webhook_id=hook.pk, topics=["stage.changed"], actor=actor)
    changed = Webhook.objects.get()
    assert (changed.topics, changed.url, changed.active) == (["stage.changed"], hook.url, True)
    with pytest.raises(InvalidInput):
        services.change_webhook(webhook_id=hook.pk, url="https://10.0.0.1@x/", actor=actor)


def test_switching_on_forgets_past_failures(actor: Actor) -> None:
    hook = WebhookFactory(active=False, failing_since=timezone.now(), disabled_reason="tired")
    services.change_webhook(webhook_id=hook.pk, active=True, actor=actor)
    changed = Webhook.objects.get()
    assert (changed.active, changed.failing_since, changed.disabled_reason) == (True, None, "")


def test_a_webhook_whose_address_the_settings_refuse_by_now_can_still_be_ended(
    actor: Actor,
) -> None:
    hook = WebhookFactory(url="http://old.example.org/")
    services.change_webhook(webhook_id=hook.pk, active=False, actor=actor)
    services.remove_webhook(webhook_id=hook.pk, actor=actor)
    assert not Webhook.objects.present().exists()


def test_a_removed_webhook_keeps_its_history_and_no_secret(actor: Actor) -> None:
    delivery = WebhookDeliveryFactory()
    services.remove_webhook(webhook_id=delivery.webhook_id, actor=actor)
    kept = Webhook.objects.get()
    assert (kept.secret, kept.old_secret, kept.active) == ("", "", False)
    assert WebhookDelivery.objects.filter(pk=delivery.pk).exists()
    with pytest.raises(NotFound):
        services.rotate_secret(webhook_id=kept.pk, actor=actor)


def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(actor: Actor) -> None:
    hook = WebhookFactory(plain="whsec_b2xk")
    shown = services.rotate_secret(webhook_id=hook.pk, actor=actor)
    kept, now = Webhook.objects.get(), timezone.now()
    assert [unseal(s) for s in kept.sealed_secrets(now)] == [shown.secret, "whsec_b2xk"]
    later = now + timedelta(hours=24, minutes=1)
    assert [unseal(s) for s in kept.sealed_secrets(later)] == [shown.secret]


def test_a_test_is_queued_and_rung_for(
    actor: Actor,
    doorbell: Doorbell,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    hook = WebhookFactory(active=False)
    with django_capture_on_commit_callbacks(execute=True):
        delivery = services.send_test(webhook_id=hook.pk, actor=actor)
    assert (delivery.type, delivery.status, delivery.is_test) == ("webhook.test", "queued", True)
    assert doorbell.of("notify.send_webhook") == [delivery.pk]


@pytest.mark.parametrize("status", ["failed", "cancelled", "succeeded"])
def test_what_has_ended_is_sent_again_under_the_same_id(actor: Actor, status: str) -> None:
    old = WebhookDeliveryFactory(status=status, attempt=8, finished_at=timezone.now())
    services.resend(delivery_id=old.pk, actor=actor)
    again = WebhookDelivery.objects.get()
    assert (again.public_id, again.status, again.attempt) == (old.public_id, "queued", 0)
    assert WebhookDelivery.objects.claimable().exists()
    assert only_event("webhook:resent").before == {"status": status}


def test_what_is_under_way_is_not_sent_again(actor: Actor) -> None:
    for status in ("queued", "running"):
        with pytest.raises(InvalidTransition):
            services.resend(delivery_id=WebhookDeliveryFactory(status=status).pk, actor=actor)


def test_nothing_is_sent_again_to_a_webhook_that_is_off(actor: Actor) -> None:
    old = WebhookDeliveryFactory(status="failed", webhook__active=False)
    with pytest.raises(WebhookInactive):
        services.resend(delivery_id=old.pk, actor=actor)


def happened(project: Project, tag: str = "version:ready") -> Event:
    made: Event = EventFactory(tag=tag, project_id=project.pk)
    made.refresh_from_db()
    return made


def test_an_event_is_queued_once_for_each_who_wants_it(
    project: Project,
    owner: User,
    doorbell: Doorbell,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    SubscriptionFactory(project=project, user=owner, topic=READY)
    hook = WebhookFactory(project=project)
    event = happened(project)
    with django_capture_on_commit_callbacks(execute=True):
        services.announce(event=event)
    services.announce(event=event)
    assert [row.recipient for row in Message.objects.all()] == [owner]
    assert [row.webhook for row in WebhookDelivery.objects.all()] == [hook]
    assert doorbell.of("notify.send_message") == [Message.objects.get().pk]
    assert doorbell.of("notify.send_webhook") == [WebhookDelivery.objects.get().pk]


def test_other_projects_topics_and_what_is_off_hear_nothing(project: Project) -> None:
    WebhookFactory()
    WebhookFactory(project=project, topics=["stage.changed"])
    WebhookFactory(project=project, active=False)
    WebhookFactory(project=project, removed_at=timezone.now())
    services.announce(event=happened(project))
    assert not WebhookDelivery.objects.exists()


def test_an_event_of_no_project_is_told_to_nobody() -> None:
    services.announce(event=EventFactory(tag="version:ready", project_id=None))
    assert not Message.objects.exists()


def test_a_mail_that_was_not_sent_is_sent_again_at_its_recipient_s_wish(project: Project) -> None:
    message = MessageFactory(project=project, status="cancelled", attempt=3)
    with pytest.raises(Forbidden):
        services.retry_message(message_id=message.pk, actor=actor_of(member(project)))
    services.retry_message(message_id=message.pk, actor=actor_of(message.recipient))
    again = Message.objects.get()
    assert (again.status, again.attempt) == ("queued", 0)
    with pytest.raises(InvalidTransition):
        services.retry_message(message_id=message.pk, actor=actor_of(message.recipient))
