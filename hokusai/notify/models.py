from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import InvalidTransition
from hokusai.core.fields import known_values, public_id_field
from hokusai.core.models import Event, LeasedWork
from hokusai.notify.choices import TEST_TYPE, Topic
from hokusai.notify.querysets import (
    MessageQuerySet,
    SubscriptionQuerySet,
    WebhookDeliveryQuerySet,
    WebhookQuerySet,
)

TYPE = 40


class Subscription(models.Model):
    """A member's choice about one topic of one project; where there is none, a default decides."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="subscriptions"
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="subscriptions")
    topic = models.CharField(max_length=TYPE, choices=Topic)
    wanted = models.BooleanField()

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ("project_id", "user_id", "topic")
        constraints = (
            known_values("topic", Topic, "subscription_topic_known"),
            models.UniqueConstraint(
                fields=["project", "topic", "user"], name="subscription_once_per_topic"
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic}: {'yes' if self.wanted else 'no'}"


class Message(LeasedWork):
    """One event on its way to one person by mail."""

    public_id = public_id_field("msg")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="messages")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="messages")
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="messages"
    )
    topic = models.CharField(max_length=TYPE, choices=Topic)
    subject = models.CharField(max_length=300)
    body = models.TextField()

    objects: ClassVar[Any] = MessageQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", WorkStatus, "message_status_known"),
            models.UniqueConstraint(fields=["event", "recipient"], name="message_once_per_event"),
        )
        indexes = (
            models.Index(
                fields=["run_after"],
                condition=models.Q(status__in=["queued", "running"]),
                name="message_due",
            ),
            models.Index(fields=["recipient", "-id"], name="message_by_recipient"),
        )

    def __str__(self) -> str:
        return self.subject


class Webhook(models.Model):
    """An address of a project's owners that is told of what happens, in signed messages."""

    public_id = public_id_field("whk")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(max_length=500)
    topics = ArrayField(models.CharField(max_length=TYPE, choices=Topic))
    active = models.BooleanField(default=True)
    secret = models.TextField(editable=False, help_text="sealed under the settings' key")
    old_secret = models.TextField(blank=True, editable=False, help_text="signs as well until …")
    old_secret_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(
        null=True, editable=False, help_text="the first failure since the last success"
    )
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=["project"],
                condition=models.Q(active=True, removed_at=None),
                name="webhook_listening",
            ),
        )

    def __str__(self) -> str:
        return self.url.split("?")[0]

    def sealed_secrets(self, now: datetime) -> list[str]:
        """The secrets that sign at a time, sealed: the new one first."""
        kept = self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if kept else [self.secret]


class WebhookDelivery(LeasedWork):
    """One message on its way to one webhook; its public id is the message's, at every attempt."""

    public_id = public_id_field("whd")
    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, null=True, related_name="webhook_deliveries"
    )
    type = models.CharField(max_length=TYPE, help_text="the topic")
    body = models.TextField(help_text="what is signed and sent, byte for byte")

    objects: ClassVar[Any] = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ("-id",)
        constraints = (
            known_values("status", WorkStatus, "webhook_delivery_status_known"),
            models.UniqueConstraint(
                fields=["event", "webhook"], name="webhook_delivery_once_per_event"
            ),
        )
        indexes = (
            models.Index(
                fields=["run_after"],
                condition=models.Q(status__in=["queued", "running"]),
                name="webhook_delivery_due",
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_by_webhook"),
        )

    def __str__(self) -> str:
        return f"{self.type} to {self.webhook}"

    @property
    def project(self) -> Project:
        """The webhook's."""
        return self.webhook.project

    @property
    def is_test(self) -> bool:
        """Whether it only tries the webhook out: one attempt, no retry."""
        return self.type == TEST_TYPE

    def reopen(self) -> None:
        """Queue it again without saving, also what arrived: the receiver may have lost it.

        Raises InvalidTransition while it is under way.
        """
        if self.status not in WorkStatus.terminal():
            raise InvalidTransition("This delivery is under way already.", current=self.status)
        self.status, self.attempt, self.finished_at = WorkStatus.QUEUED, 0, None


class Attempt(models.Model):
    """One try of a delivery: what came back, or why nothing did."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveBigIntegerField(help_text="grows within the delivery")
    sent_at = models.DateTimeField(db_default=Now(), editable=False)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="HTTP; null: no answer")
    duration_ms = models.PositiveIntegerField(help_text="milliseconds")
    error = models.CharField(max_length=500, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="how the answer begins")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_numbered_once"),
        )

    def __str__(self) -> str:
        return f"{self.status_code or self.error}"
