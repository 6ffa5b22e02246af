from datetime import datetime
from typing import Any

from rest_framework import serializers

from hokusai.core.choices import WorkStatus
from hokusai.notify.addresses import MAX_URL
from hokusai.notify.choices import Topic
from hokusai.notify.models import Attempt, Webhook, WebhookDelivery
from hokusai.web.serializers import ReadModelSerializer

TOPICS = f"of {', '.join(Topic.values)}"


class TopicChoiceSerializer(serializers.Serializer):
    topic = serializers.CharField()
    title = serializers.CharField(source="topic.label")
    wanted = serializers.BooleanField(help_text="whether one is told")
    chosen = serializers.BooleanField(
        allow_null=True, help_text="one's own choice; null where the role's default decides"
    )


class ProjectChoicesSerializer(serializers.Serializer):
    project = serializers.CharField(source="project.slug")
    role = serializers.CharField()
    topics = TopicChoiceSerializer(many=True)


class NewChoicesSerializer(serializers.Serializer):
    choices = serializers.DictField(  # type: ignore[assignment]
        child=serializers.BooleanField(allow_null=True),
        help_text="by topic: true, false, or null for the default; topics not named stay",
    )


class WebhookSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    made_by = serializers.CharField(source="made_by.username")
    topics = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Webhook
        fields = (
            "id",
            "project",
            "url",
            "topics",
            "active",
            "disabled_reason",
            "failing_since",
            "old_secret_until",
            "made_by",
            "created_at",
        )


class ShownWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="shown this once", allow_null=True, read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")  # type: ignore[assignment]


class _TopicsField(serializers.ListField):
    child = serializers.CharField(max_length=40)


class NewWebhookSerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)
    url = serializers.CharField(max_length=MAX_URL, help_text="https")
    topics = _TopicsField(max_length=100, help_text=TOPICS)


class WebhookChangeSerializer(serializers.Serializer):
    url = serializers.CharField(max_length=MAX_URL, help_text="https", required=False)
    topics = _TopicsField(max_length=100, help_text=TOPICS, required=False)
    active = serializers.BooleanField(required=False)


class AttemptSerializer(serializers.ModelSerializer):
    class Meta:
        model = Attempt
        fields = ("number", "sent_at", "status_code", "duration_ms", "error", "answer")


class WebhookDeliverySerializer(ReadModelSerializer):
    """A message on its way to a webhook; its `id` is the header `webhook-id`."""

    event = serializers.CharField(source="event.public_id", default=None, allow_null=True)
    attempts = AttemptSerializer(many=True)
    next_attempt_at = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "type",
            "event",
            "status",
            "attempts",
            "next_attempt_at",
            "last_error",
            "body",
            "created_at",
            "finished_at",
        )

    def get_next_attempt_at(self, row: Any) -> datetime | None:
        """When it is tried next; null once it has ended."""
        found: datetime = row.run_after
        return None if row.status in WorkStatus.terminal() else found
