"""Bodies of promotions, policies, history, shares and what ends a version or a model."""

import re
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from hokusai.web.serializers import ReadModelSerializer, ReadSerializer
from registry.choices import ShareRight, Stage
from registry.models import ModelShare, Promotion, PromotionApproval

RFC_3339 = re.compile(
    r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})\Z"
)
MAX_TEXT = 10_000
STAGES = [stage for stage in Stage.values if stage != Stage.NONE]


def text(**options: Any) -> serializers.CharField:
    """Words that people add; may be left out."""
    return serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT, **options)


class CheckSerializer(serializers.Serializer):
    code = serializers.CharField()
    title = serializers.CharField()
    passed = serializers.BooleanField()
    blocking = serializers.BooleanField(default=True, help_text="whether it must pass")
    message = serializers.CharField()


class ApprovalSerializer(serializers.ModelSerializer):
    approver = serializers.CharField(source="approver.username")

    class Meta:
        model = PromotionApproval
        fields = ("approver", "role", "comment", "created_at")


class PromotionSerializer(ReadModelSerializer):
    model_id = serializers.CharField(source="version.model.model_id")
    number = serializers.IntegerField(source="version.number")
    requested_by = serializers.CharField(source="requested_by.username")
    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)
    checks = CheckSerializer(many=True)
    approvals = ApprovalSerializer(many=True)

    class Meta:
        model = Promotion
        fields = (
            "id",
            "model_id",
            "number",
            "target",
            "status",
            "comment",
            "evidence",
            "checks",
            "approvals_needed",
            "approvals",
            "requested_by",
            "expires_at",
            "decided_by",
            "decision_comment",
            "decided_at",
            "created_at",
        )


class NewPromotionSerializer(serializers.Serializer):
    target = serializers.ChoiceField(STAGES)
    comment = text(help_text="why")
    evidence = text(help_text="links and figures that speak for it")

    def validate_target(self, value: str) -> Stage:
        """As the service takes it."""
        return Stage(value)


class CommentSerializer(serializers.Serializer):
    comment = text()


class ReasonSerializer(serializers.Serializer):
    comment = serializers.CharField(max_length=MAX_TEXT, help_text="why")


class PolicySerializer(serializers.Serializer):
    stage = serializers.CharField()
    blocking = serializers.ListField(
        child=serializers.CharField(), help_text="codes of the checks that must pass"
    )
    approvals = serializers.IntegerField(help_text="how many persons")
    roles = serializers.ListField(child=serializers.CharField(), help_text="who may approve")
    expires_after_h = serializers.IntegerField(
        allow_null=True, help_text="hours until an undecided request ends; null: never"
    )


class NewPolicySerializer(serializers.Serializer):
    blocking = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50)
    approvals = serializers.IntegerField(min_value=1, max_value=100)
    roles = serializers.ListField(child=serializers.CharField(max_length=20), max_length=10)
    expires_after_h = serializers.IntegerField(
        min_value=1, max_value=24 * 366, allow_null=True, default=None
    )


class DecidedSerializer(serializers.Serializer):
    """How a change of stage came about."""

    reason = serializers.CharField(help_text="promoted, displaced, rolled_back or retired")
    comment = serializers.CharField()
    carried_out_by = serializers.CharField()
    requested_by = serializers.CharField(help_text="empty where nobody asked")
    approved_by = serializers.ListField(child=serializers.CharField())
    promotion = serializers.CharField(source="promotion_id", help_text="public id, or empty")
    evidence = serializers.CharField()


class ChangeSerializer(serializers.Serializer):
    version = serializers.IntegerField(source="version.number")
    before = serializers.CharField()
    after = serializers.CharField()
    at = serializers.DateTimeField()
    decided = DecidedSerializer()


class HistoryQuerySerializer(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)


class HistorySerializer(ReadSerializer):
    changes = ChangeSerializer(many=True)
    truncated = serializers.BooleanField(help_text="whether there are more than the limit")


class PresentSerializer(serializers.Serializer):
    version = serializers.IntegerField(source="version.number")
    id = serializers.CharField(source="version.public_id")
    since = serializers.DateTimeField()
    decided = DecidedSerializer()


class AtSerializer(ReadSerializer):
    time = serializers.DateTimeField()
    version = serializers.IntegerField(allow_null=True, help_text="null: nothing was in production")
    production = PresentSerializer(allow_null=True)


class AtQuerySerializer(serializers.Serializer):
    time = serializers.CharField(help_text="RFC 3339, with its offset: 2026-01-31T12:00:00Z")

    def validate_time(self, value: str) -> datetime:
        """A moment that was. Raises ValidationError for what is no time, or lies ahead."""
        given = value.replace(" ", "+") if value.count(" ") == 1 else value
        if not RFC_3339.match(given):
            raise serializers.ValidationError("Not an RFC 3339 time such as 2026-01-31T12:00:00Z.")
        try:
            # In UTC, as PostgreSQL refuses offsets of 16 hours and more.
            time = datetime.fromisoformat(given.upper()).astimezone(UTC)
            ahead = time > timezone.now()
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError(f"There is no such time: {error}.") from error
        if ahead:
            raise serializers.ValidationError("This time lies ahead; nobody knows it yet.")
        return time


class ModelShareSerializer(ReadModelSerializer):
    model_id = serializers.CharField(source="model.model_id")
    project = serializers.CharField(
        source="project.slug", allow_null=True, default=None, help_text="null: everybody"
    )
    shared_by = serializers.CharField(source="shared_by.username")

    class Meta:
        model = ModelShare
        fields = ("id", "model_id", "project", "right", "shared_by", "created_at")


class NewShareSerializer(serializers.Serializer):
    project = serializers.CharField(
        max_length=63, allow_null=True, help_text="slug; null: everybody who logged in"
    )
    right = serializers.ChoiceField(ShareRight.values, default=ShareRight.READ)

    def validate_right(self, value: str) -> ShareRight:
        """As the service takes it."""
        return ShareRight(value)


class RetireSerializer(serializers.Serializer):
    successor = serializers.IntegerField(
        min_value=1, max_value=10**9 - 1, help_text="number of the version that takes its place"
    )
    sunset_at = serializers.DateTimeField(help_text="when it goes away")
    comment = text()
