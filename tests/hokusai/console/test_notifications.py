from typing import Any

import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from hokusai.notify.models import Message, Subscription, Webhook, WebhookDelivery
from hokusai.notify.signatures import unseal
from tests.factories import (
    AttemptFactory,
    MessageFactory,
    ProjectFactory,
    WebhookDeliveryFactory,
    WebhookFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db
CHOICES = "admin:notify_message_choices"
URL = "https://hooks.example.org/in"


@pytest.fixture
def owner(project: Project) -> Staff:
    return staff_in(project, Role.OWNER)


def page(obj: Any) -> str:
    return reverse(f"admin:notify_{obj._meta.model_name}_change", args=[obj.pk])


def act(staff: Staff, obj: Any, action: str, **data: Any) -> Any:
    url = reverse(f"admin:notify_{obj._meta.model_name}_{action}", args=[obj.pk])
    return staff.client.post(url, {**SENT, **data})


def test_a_webhook_is_added_and_its_secret_shown_once(owner: Staff, project: Project) -> None:
    answer = owner.client.post(
        reverse("admin:notify_webhook_add"),
        {"project": project.pk, "url": URL, "topics": ["version.ready", "stage.changed"]},
    )
    hook = Webhook.objects.get()
    secret = unseal(hook.secret)
    assert secret in answer.content.decode()
    assert "Only its hash" not in answer.content.decode()
    assert secret not in owner.client.get(page(hook)).content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_an_address_that_cannot_be_sent_to_is_an_error_of_the_form(
    owner: Staff, project: Project
) -> None:
    answer = owner.client.post(
        reverse("admin:notify_webhook_add"),
        {"project": project.pk, "url": "https://169.254.169.254/", "topics": ["version.ready"]},
    )
    assert "not sent to this address" in answer.content.decode()
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.REVIEWER])
def test_webhooks_are_for_owners(project: Project, role: Role) -> None:
    hook = WebhookFactory(project=project)
    other = staff_in(project, role)
    assert other.client.get(page(hook)).status_code == 404
    assert act(other, hook, "remove").status_code == 404
    assert Webhook.objects.present().exists()


def test_rotating_asks_first_and_shows_the_new_secret_once(owner: Staff, project: Project) -> None:
    hook = WebhookFactory(project=project)
    url = reverse("admin:notify_webhook_rotate", args=[hook.pk])
    assert "24 hours" in owner.client.get(url).content.decode()
    assert Webhook.objects.get().secret == hook.secret
    shown = owner.client.post(url).content.decode()
    new = Webhook.objects.get()
    assert unseal(new.secret) in shown
    assert new.old_secret == hook.secret


def test_a_webhook_is_tested_edited_switched_and_removed(owner: Staff, project: Project) -> None:
    hook = WebhookFactory(project=project)
    act(owner, hook, "test")
    assert WebhookDelivery.objects.get().is_test
    act(owner, hook, "edit", url=URL, topics=["stage.changed"])
    act(owner, hook, "switch_off")
    changed = Webhook.objects.get()
    assert (changed.url, changed.topics, changed.active) == (URL, ["stage.changed"], False)
    act(owner, hook, "switch_on")
    assert Webhook.objects.get().active
    act(owner, hook, "remove")
    assert not Webhook.objects.present().exists()
    assert "removed" in owner.client.get(page(hook)).content.decode()


def test_the_dialog_shows_what_the_webhook_is_now(owner: Staff, project: Project) -> None:
    hook = WebhookFactory(project=project)
    url = reverse("admin:notify_webhook_edit", args=[hook.pk])
    assert hook.url in owner.client.get(url).content.decode()


def test_a_webhook_s_page_shows_its_deliveries_and_why_it_is_off(
    owner: Staff, project: Project
) -> None:
    hook = WebhookFactory(project=project, active=False, disabled_reason="Nothing arrived.")
    AttemptFactory(delivery=WebhookDeliveryFactory(webhook=hook, status="failed"), status_code=503)
    shown = owner.client.get(page(hook)).content.decode()
    assert "Nothing arrived." in shown
    assert "503" in shown


def test_a_delivery_shows_every_attempt_and_is_sent_again(owner: Staff, project: Project) -> None:
    delivery = WebhookDeliveryFactory(webhook__project=project, status="failed")
    AttemptFactory(delivery=delivery, status_code=None, error="No answer within 10 s.")
    AttemptFactory(delivery=delivery, status_code=500, answer="<b>oops</b>")
    shown = owner.client.get(page(delivery)).content.decode()
    assert "No answer within 10 s." in shown
    assert "&lt;b&gt;oops" in shown
    act(owner, delivery, "resend")
    assert WebhookDelivery.objects.get().status == "queued"


def test_one_s_mail_is_one_s_own(engineer: Staff, project: Project, root: Staff) -> None:
    other = MessageFactory(project=project)
    mine = MessageFactory(project=project, recipient=engineer.user, status="cancelled")
    listed = engineer.client.get(reverse("admin:notify_message_changelist"))
    assert list(listed.context["cl"].result_list) == [mine]
    assert engineer.client.get(page(other)).status_code == 404
    act(engineer, mine, "retry")
    assert Message.objects.get(pk=mine.pk).status == "queued"
    assert root.client.get(page(other)).status_code == 200


def test_choices_are_kept_where_they_differ_from_how_it_was(
    engineer: Staff, project: Project
) -> None:
    slug = project.slug
    sent = {"project": slug, f"{slug}-version.ready": "on", f"{slug}-sync.conflict": "on"}
    assert engineer.client.post(reverse(CHOICES), sent).status_code == 302
    kept = Subscription.objects.get()
    assert (kept.topic, kept.wanted, kept.user) == ("version.ready", True, engineer.user)
    shown = engineer.client.get(reverse(CHOICES)).content.decode()
    assert "Your choice." in shown
    engineer.client.post(reverse(CHOICES), {"project": slug, "reset": "yes"})
    assert not Subscription.objects.exists()


def test_choices_for_a_project_of_others_are_as_if_absent(engineer: Staff) -> None:
    other = ProjectFactory()
    answer = engineer.client.post(reverse(CHOICES), {"project": other.slug})
    assert answer.status_code == 404


def test_without_a_project_the_page_says_what_to_do(outsider: Staff) -> None:
    shown = outsider.client.get(reverse(CHOICES)).content.decode()
    assert "You belong to no project yet" in shown
