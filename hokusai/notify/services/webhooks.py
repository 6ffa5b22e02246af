from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from hokusai.accounts.models import Project
from hokusai.core.errors import Forbidden, InvalidInput, NotFound
from hokusai.core.events import Actor, record
from hokusai.notify import bell, signatures, wording
from hokusai.notify.addresses import host_of, target_of
from hokusai.notify.choices import TEST_TYPE
from hokusai.notify.exceptions import WebhookInactive
from hokusai.notify.models import Webhook, WebhookDelivery
from hokusai.notify.services.subscriptions import check_topics

# How long a replaced secret signs beside the new one.
OLD_SECRET_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook and its secret, which is shown this once."""

    row: Webhook
    secret: str


@transaction.atomic
def create_webhook(*, project: Project, url: str, topics: Sequence[str], actor: Actor) -> Shown:
    """Tell an address of a project's events; the secret is shown this once.

    Raises InvalidInput for an address or topics that cannot be used. The name behind the address
    is looked up when something is sent, and checked then.
    """
    if actor.user_id is None:
        raise Forbidden("A webhook is made by a person.")
    target_of(url)
    _check_choice(topics)
    secret = signatures.new_secret()
    webhook = Webhook.objects.create(
        project=project,
        url=url,
        topics=sorted(set(topics)),
        secret=signatures.seal(secret),
        made_by_id=actor.user_id,
    )
    _record("webhook:created", webhook, actor, after=_facts(webhook))
    return Shown(webhook, secret)


def _check_choice(topics: Collection[str]) -> None:
    if not topics:
        raise InvalidInput("Choose at least one topic.")
    check_topics(topics)


@transaction.atomic
def change_webhook(
    *,
    webhook_id: int,
    actor: Actor,
    url: str | None = None,
    topics: Sequence[str] | None = None,
    active: bool | None = None,
) -> Webhook:
    """Change what is given; switching on forgets past failures.

    Raises NotFound for one that was removed, InvalidInput.
    """
    webhook = _locked(webhook_id)
    before = _facts(webhook)
    if url is not None:
        target_of(url)
        webhook.url = url
    if topics is not None:
        _check_choice(topics)
        webhook.topics = sorted(set(topics))
    if active is not None:
        webhook.active = active
    if active:
        webhook.failing_since, webhook.disabled_reason = None, ""
    webhook.save(update_fields=["url", "topics", "active", "failing_since", "disabled_reason"])
    _record("webhook:changed", webhook, actor, before=before, after=_facts(webhook))
    return webhook


@transaction.atomic
def remove_webhook(*, webhook_id: int, actor: Actor) -> None:
    """Stop telling an address, for good; its secrets are forgotten, its history stays."""
    webhook = _locked(webhook_id)
    webhook.active, webhook.removed_at = False, timezone.now()
    webhook.secret = webhook.old_secret = ""
    webhook.save(update_fields=["active", "removed_at", "secret", "old_secret"])
    _record("webhook:removed", webhook, actor, before=_facts(webhook))


@transaction.atomic
def rotate_secret(*, webhook_id: int, actor: Actor) -> Shown:
    """Give a webhook a new secret; the old one signs beside it for 24 hours."""
    webhook = _locked(webhook_id)
    secret = signatures.new_secret()
    webhook.old_secret, webhook.secret = webhook.secret, signatures.seal(secret)
    webhook.old_secret_until = timezone.now() + OLD_SECRET_LIFETIME
    webhook.save(update_fields=["old_secret", "secret", "old_secret_until"])
    until = webhook.old_secret_until.isoformat()
    _record("webhook:secret-rotated", webhook, actor, after={"old_secret_until": until})
    return Shown(webhook, secret)


@transaction.atomic
def send_test(*, webhook_id: int, actor: Actor) -> WebhookDelivery:
    """Send a message that only tries the webhook out, once; also where it is switched off."""
    webhook = _locked(webhook_id)
    delivery = WebhookDelivery.objects.create(
        webhook=webhook,
        type=TEST_TYPE,
        body=wording.test_body(webhook.project, timezone.now()),
    )
    bell.ring_for_webhook(delivery.pk)
    _record("webhook:tested", webhook, actor, after={"delivery": delivery.public_id})
    return delivery


@transaction.atomic
def resend(*, delivery_id: int, actor: Actor) -> WebhookDelivery:
    """Send a message again, under the same id and with fresh attempts.

    Raises InvalidTransition while it is under way, WebhookInactive where it is switched off.
    """
    delivery = WebhookDelivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    webhook = delivery.webhook
    if not webhook.active and not delivery.is_test:
        raise WebhookInactive("The webhook is switched off; switch it on first.")
    before = delivery.status
    delivery.reopen()
    delivery.save(update_fields=["status", "attempt", "finished_at"])
    WebhookDelivery.objects.filter(pk=delivery.pk).update(run_after=Now())
    bell.ring_for_webhook(delivery.pk)
    after = {"delivery": delivery.public_id, "status": delivery.status}
    _record("webhook:resent", webhook, actor, before={"status": before}, after=after)
    return delivery


def _locked(webhook_id: int) -> Webhook:
    webhook = Webhook.objects.present().select_for_update().filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound("This webhook was removed.")
    return webhook


def _facts(webhook: Webhook) -> dict[str, Any]:
    # The rest of an address may be a secret of its receiver, and the record is read by more.
    return {"host": host_of(webhook.url), "topics": webhook.topics, "active": webhook.active}


def _record(
    tag: str,
    webhook: Webhook,
    actor: Actor,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    record(
        tag,
        subject=webhook.public_id,
        actor=actor,
        project_id=webhook.project_id,
        label=host_of(webhook.url),
        before=before,
        after=after,
    )
