from typing import Any

import orjson
from rest_framework import serializers

from contributions.choices import Licence
from contributions.models import Contribution, Improvement, Share
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import MODEL_ID

FORMATS = ("csv", "parquet", "jsonl")
ADDRESS = r"0x[0-9a-fA-F]{40}"
MAX_JSON_ROWS = 100_000


class ContributionSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    model_id = serializers.CharField(source="model.model_id")
    address = serializers.CharField(source="wallet.address")
    contributor = serializers.CharField(source="wallet.contributor.name")
    dataset_version = serializers.CharField(source="dataset_version.public_id")
    row_count = serializers.IntegerField(source="dataset_version.row_count", allow_null=True)
    submitted_by = serializers.CharField(source="submitted_by.username")

    class Meta:
        model = Contribution
        fields = (
            "id",
            "project",
            "model_id",
            "address",
            "contributor",
            "dataset_version",
            "row_count",
            "licence",
            "note",
            "status",
            "reasons",
            "submitted_by",
            "created_at",
        )


class NewContributionSerializer(serializers.Serializer):
    """Rows for a model: a file, or `rows` as JSON objects."""

    model_id = serializers.RegexField(rf"^{MODEL_ID}\Z")
    address = serializers.RegexField(rf"^{ADDRESS}\Z", help_text="wallet, EIP-55")
    licence = serializers.ChoiceField(Licence.choices)
    label_column = serializers.CharField(max_length=200)
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    contributor_name = serializers.CharField(required=False, allow_blank=True, max_length=200)
    file = serializers.FileField(required=False, help_text="CSV, Parquet or JSON lines")
    file_format = serializers.ChoiceField(
        FORMATS, required=False, help_text="by the file's name where absent"
    )
    rows = serializers.ListField(
        child=serializers.DictField(), required=False, max_length=MAX_JSON_ROWS
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Bytes and their format. Raises ValidationError for neither file nor rows, or both."""
        file, rows = attrs.pop("file", None), attrs.pop("rows", None)
        if (file is None) == (rows is None):
            raise serializers.ValidationError({"file": "Give either a file or rows."})
        if file is None:
            lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
            return {**attrs, "content": lines, "file_format": "jsonl"}
        attrs.setdefault("file_format", file.name.lower().rpartition(".")[2])
        if attrs["file_format"] not in FORMATS:
            raise serializers.ValidationError({"file_format": f"One of {', '.join(FORMATS)}."})
        return {**attrs, "content": file.read()}


class ShareSerializer(serializers.ModelSerializer):
    contribution = serializers.CharField(source="contribution.public_id")
    address = serializers.CharField(source="contribution.wallet.address")

    class Meta:
        model = Share
        fields = ("contribution", "address", "basis_points")


class ImprovementSerializer(ReadModelSerializer):
    model_id = serializers.CharField(source="model.model_id")
    comparison = serializers.CharField(source="comparison.public_id")
    benchmark = serializers.CharField(source="comparison.benchmark.public_id")
    baseline = serializers.IntegerField(source="baseline.number")
    candidate = serializers.IntegerField(source="candidate.number")
    shares = ShareSerializer(many=True)
    attestation = serializers.SerializerMethodField()

    class Meta:
        model = Improvement
        fields = (
            "id",
            "model_id",
            "comparison",
            "benchmark",
            "baseline",
            "candidate",
            "delta_ppm",
            "payable_ppm",
            "payable_reason",
            "method",
            "shares",
            "attestation",
            "created_at",
        )

    def get_attestation(self, improvement: Improvement) -> str | None:
        """The id of its attestation; null until it is signed."""
        attestation = getattr(improvement, "attestation", None)
        return attestation.statement_id if attestation else None
