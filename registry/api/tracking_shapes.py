"""Bodies of what concerns the tracking server."""

from rest_framework import serializers

from hokusai.web.serializers import ReadModelSerializer, ReadSerializer
from registry.choices import ConflictState
from registry.models import SyncConflict, TrackedExperiment, TrackedVersion

AT_ONCE = 1_000


class TrackedVersionSerializer(ReadModelSerializer):
    experiment = serializers.CharField(source="experiment.name", allow_null=True, default=None)
    version = serializers.CharField(source="version.public_id", allow_null=True, default=None)

    class Meta:
        model = TrackedVersion
        fields = (
            "id",
            "server",
            "name",
            "number",
            "state",
            "version",
            "experiment",
            "source",  # type: ignore[assignment]
            "run_id",
            "description",
            "tags",
            "metrics",
            "parameters",
            "created_at",
            "updated_at",
            "missing_since",
        )


class TrackedExperimentSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug", allow_null=True, default=None)
    mapped_by = serializers.CharField(source="mapped_by.username", allow_null=True, default=None)

    class Meta:
        model = TrackedExperiment
        fields = (
            "id",
            "server",
            "experiment_id",
            "name",
            "lifecycle",
            "tags",
            "project",
            "mapped_by",
            "created_at",
            "updated_at",
        )


class SyncConflictSerializer(ReadModelSerializer):
    version = serializers.CharField(source="version.public_id")
    model_id = serializers.CharField(source="version.model.model_id")
    number = serializers.IntegerField(source="version.number")
    resolved_by = serializers.CharField(
        source="resolved_by.username", allow_null=True, default=None
    )

    class Meta:
        model = SyncConflict
        fields = (
            "id",
            "model_id",
            "number",
            "version",
            "field",
            "values",
            "state",
            "resolved_by",
            "resolved_at",
            "created_at",
        )


class _PublicIds(serializers.ListField):
    child = serializers.RegexField(r"^tvr_[0-9a-f]{32}\Z")


class TrackedIdsSerializer(serializers.Serializer):
    ids = _PublicIds(min_length=1, max_length=AT_ONCE)


class AssignSerializer(TrackedIdsSerializer):
    project = serializers.CharField(max_length=63)


class MapSerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)


class ChoiceSerializer(serializers.Serializer):
    choice = serializers.ChoiceField([ConflictState.OURS.value, ConflictState.THEIRS.value])


class LookSerializer(ReadSerializer):
    kind = serializers.CharField()
    server = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)
    complete = serializers.BooleanField()
    came_back_empty = serializers.BooleanField()


class SyncStatusSerializer(ReadSerializer):
    pending = serializers.IntegerField(help_text="versions that MLflow does not show yet")
    oldest_s = serializers.IntegerField(allow_null=True, help_text="age of the first in line")
    parked = serializers.IntegerField(help_text="pushes that wait for a person")
    conflict = serializers.IntegerField(help_text="versions that differ on both sides")
    open_conflicts = serializers.IntegerField(help_text="fields to be decided")
    inbox = serializers.IntegerField(help_text="for administrators, else 0")
    missing = serializers.IntegerField(help_text="versions that MLflow no longer holds")
    lag_s = serializers.IntegerField(allow_null=True, help_text="since the last complete look")
    looks = LookSerializer(many=True)
