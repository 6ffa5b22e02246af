from datetime import UTC, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from deployments.log_models import PredictionExport, PredictionLog
from deployments.prediction_log.reports import MAX_BUCKETS
from hokusai.web.serializers import ReadModelSerializer

BUCKETS = 60
AN_HOUR = timedelta(hours=1)


class LoggedPredictionSerializer(ReadModelSerializer):
    """One prediction in the log, without what was asked and answered."""

    revision = serializers.CharField(source="revision.public_id", help_text="its public id")
    version = serializers.IntegerField(
        source="revision.version.number", help_text="the version's number"
    )
    asked_by = serializers.CharField(source="key_id", help_text="public id of the key or person")
    redacted = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="columns whose values were taken out before anything was kept",
    )

    class Meta:
        model = PredictionLog
        fields: tuple[str, ...] = (
            "id",
            "at",
            "request_id",
            "revision",
            "version",
            "asked_by",
            "status",
            "code",
            "rows",
            "total_ms",
            "model_ms",
            "cached",
            "weight",
            "content_type",
            "input_bytes",
            "output_bytes",
            "input_digest",
            "redacted",
        )


class PredictionDetailSerializer(LoggedPredictionSerializer):
    """One prediction in the log with its rows and outputs, as far as they were kept."""

    input = serializers.JSONField(
        allow_null=True, help_text="the request's body; null where it was not kept"
    )
    output = serializers.JSONField(
        allow_null=True, help_text="the outputs, or the error; null where they were not kept"
    )

    class Meta(LoggedPredictionSerializer.Meta):
        fields = (*LoggedPredictionSerializer.Meta.fields, "input", "output")


class SpanSerializer(serializers.Serializer):
    """From when until when."""

    since = serializers.DateTimeField(default_timezone=UTC, help_text="the first moment")
    until = serializers.DateTimeField(default_timezone=UTC, help_text="all before this moment")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError for a time that does not end after it begins."""
        if attrs["until"] - attrs["since"] <= timedelta(0):
            raise serializers.ValidationError({"until": "Must be after `since`."})
        return attrs


class SeriesQuerySerializer(SpanSerializer):
    """Which part of the time, in how many parts; the last hour where nothing is said."""

    since = serializers.DateTimeField(
        default_timezone=UTC, required=False, help_text="an hour before `until` where absent"
    )
    until = serializers.DateTimeField(
        default_timezone=UTC, required=False, help_text="now where absent"
    )
    buckets = serializers.IntegerField(
        default=BUCKETS, min_value=1, max_value=MAX_BUCKETS, help_text="equal parts of the time"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """With the defaults. Raises ValidationError as its parent does."""
        until = attrs.setdefault("until", timezone.now())
        attrs.setdefault("since", until - AN_HOUR)
        return super().validate(attrs)


class BucketSerializer(serializers.Serializer):
    """A part of the time."""

    at = serializers.DateTimeField(help_text="its beginning")
    requests = serializers.FloatField(help_text="an estimate where the log is sampled")
    errors = serializers.FloatField(  # type: ignore[assignment]
        help_text="of them, answered with an error"
    )
    p50_ms = serializers.FloatField(
        allow_null=True, help_text="of answers, to within 2.5 %; null without any"
    )
    p95_ms = serializers.FloatField(allow_null=True, help_text="likewise")


class ExportSerializer(ReadModelSerializer):
    """An export of logged predictions."""

    job = serializers.CharField(source="job.public_id", help_text="the job that writes it")
    status = serializers.CharField(source="job.status", help_text="the job's")
    progress = serializers.IntegerField(source="job.progress", help_text="the job's, in per cent")
    download = serializers.SerializerMethodField(help_text="where the file is, once it is written")

    class Meta:
        model = PredictionExport
        fields = (
            "id",
            "since",
            "until",
            "job",
            "status",
            "progress",
            "events",
            "size_bytes",
            "digest",
            "download",
            "created_at",
        )

    def get_download(self, export: PredictionExport) -> str | None:
        """The path that leads to the file."""
        if not export.digest:
            return None
        place = f"/api/v1/deployments/{export.deployment.public_id}/prediction-exports"
        return f"{place}/{export.public_id}/download"
