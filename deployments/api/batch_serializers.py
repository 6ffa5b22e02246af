from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from deployments.batch_choices import OnError
from deployments.batches import services
from deployments.batches.reports import Progress, progress_of
from deployments.models import BatchChunk, BatchPrediction
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import MODEL_ID, PUBLIC_ID

UNDER_WAY = {
    "id": "bat_" + "0" * 32,
    "model_id": "tides.forecast",
    "version": 7,
    "digest": "0" * 64,
    "deployment": None,
    "dataset_version": "dsv_" + "0" * 32,
    "file_name": "",
    "file_format": "parquet",
    "file_digest": "0" * 64,
    "status": "running",
    "rows": 1_000_000,
    "progress": {"rows_done": 524_288, "percent": 52, "rows_per_s": 812_000.5, "eta_s": 0.4},
    "id_column": "station",
    "ignored_columns": [],
    "on_error": "fail",
    "chunk_rows": 262_144,
    "rows_marked": 0,
    "columns": ["level", "pressure"],
    "error": "",
    "error_row": None,
    "error_column": "",
    "output_digest": "",
    "output_bytes": None,
    "job": "job_" + "0" * 32,
    "created_by": "ines",
    "created_at": "2026-11-20T18:00:00Z",
    "started_at": "2026-11-20T18:00:01Z",
    "finished_at": None,
    "expires_at": None,
}


class ProgressSerializer(serializers.Serializer):
    """How far a batch is."""

    rows_done = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="100 once the outputs are one file")
    rows_per_s = serializers.FloatField(allow_null=True, help_text="since it was started last")
    eta_s = serializers.FloatField(allow_null=True, help_text="seconds that are left, about")


class BatchSerializer(ReadModelSerializer):
    """Predictions for a whole table, as they are answered."""

    model_id = serializers.CharField(source="version.model.model_id", help_text="project.model")
    version = serializers.IntegerField(source="version.number", help_text="the version's number")
    deployment = serializers.CharField(
        source="deployment.public_id", allow_null=True, default=None, help_text="whose live version"
    )
    dataset_version = serializers.CharField(
        source="dataset_version.public_id", allow_null=True, default=None
    )
    rows = serializers.IntegerField(
        source="row_count", allow_null=True, help_text="of the table; null until it was read"
    )
    progress = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.username")
    job = serializers.CharField(
        source="job.public_id",
        allow_null=True,
        default=None,
        help_text="the job that plans it, then the one that puts its parts together",
    )

    class Meta:
        model = BatchPrediction
        fields = tuple(UNDER_WAY)

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, batch: BatchPrediction) -> dict[str, Any]:
        """How far it is."""
        found: Progress = progress_of(batch)
        return dict(ProgressSerializer(found).data)


class ChunkSerializer(ReadModelSerializer):
    """One part of a batch: rows [first_row, first_row + rows) of its table."""

    job = serializers.CharField(source="job.public_id", allow_null=True, default=None)

    class Meta:
        model = BatchChunk
        fields = (
            "id",
            "position",
            "first_row",
            "rows",
            "status",
            "rows_done",
            "rows_marked",
            "output_digest",
            "job",
            "finished_at",
        )


class BatchOptionsSerializer(serializers.Serializer):
    """Which version answers, and how rows are read."""

    model_id = serializers.RegexField(
        rf"^{MODEL_ID}\Z",
        required=False,
        help_text="project.model; with `version`, or its deployed version answers",
    )
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="its number"
    )
    deployment = serializers.RegexField(
        rf"^{PUBLIC_ID}\Z",
        required=False,
        help_text="id of a deployment, whose live version answers",
    )
    id_column = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="stands beside the outputs; of a dataset, its id column unless stated",
    )
    ignored_columns = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=services.MOST_IGNORED,
        help_text="columns that the model is not given; a dataset's label and id never are",
    )
    on_error = serializers.ChoiceField(
        OnError.choices,
        default=OnError.FAIL,
        help_text="`fail`: a row that the model refuses ends the batch; `mark`: it has no outputs "
        "and the reason in the column `error`",
    )
    chunk_rows = serializers.IntegerField(
        required=False, min_value=1_000, max_value=10_000_000, help_text="rows of a part, about"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError where it is not clear which version answers."""
        if ("deployment" in attrs) == ("model_id" in attrs):
            raise serializers.ValidationError("Give either model_id or deployment.")
        if "version" in attrs and "model_id" not in attrs:
            raise serializers.ValidationError({"version": "Give model_id with it."})
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "a version on a dataset",
            {"model_id": "tides.forecast", "version": 7, "dataset_version": "dsv_" + "0" * 32},
            request_only=True,
        ),
        OpenApiExample(
            "what is deployed; rows that it refuses are marked",
            {
                "deployment": "dep_" + "0" * 32,
                "dataset_version": "dsv_" + "0" * 32,
                "on_error": "mark",
            },
            request_only=True,
        ),
    ]
)
class NewBatchSerializer(BatchOptionsSerializer):
    """A batch on a table that is here."""

    dataset_version = serializers.RegexField(
        rf"^{PUBLIC_ID}\Z", help_text="id of a dataset version of the model's project"
    )


class BatchUploadSerializer(BatchOptionsSerializer):
    """A batch on a table that comes with the request."""

    file = serializers.FileField(help_text="CSV, JSON lines, Parquet or an Arrow stream")
    file_format = serializers.CharField(
        required=False,
        max_length=10,
        help_text="csv, jsonl, parquet or arrow; by the file's name where absent",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The format by the file's name. Raises ValidationError where neither tells it."""
        attrs = super().validate(attrs)
        attrs.setdefault("file_format", attrs["file"].name.lower().rpartition(".")[2])
        if attrs["file_format"] not in services.FORMATS:
            text = f"One of {', '.join(services.FORMATS)}."
            raise serializers.ValidationError({"file_format": text})
        return attrs
