import math
from typing import Any

from rest_framework import serializers

from hokusai.core.fields import slug_validator
from hokusai.web.serializers import ReadModelSerializer, ReadSerializer
from registry.choices import Access, SecurityLevel
from registry.models import Dataset, DatasetVersion, Model, ModelVersion

FORMATS = ("csv", "parquet", "jsonl")
MAX_ENTRIES = 500


class ModelSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    head = serializers.IntegerField(source="head.number", allow_null=True, default=None)

    class Meta:
        model = Model
        fields = (
            "id",
            "model_id",
            "project",
            "name",
            "description",
            "task",
            "head",
            "archived_at",
            "created_at",
        )


class NewModelSerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)
    slug = serializers.CharField(max_length=63, validators=[slug_validator])
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    task = serializers.ChoiceField(["classification", "regression"], required=False)


class ModelVersionSerializer(ReadModelSerializer):
    """A version; the same fields as `registry.api.hot` answers."""

    model_id = serializers.CharField(source="model.model_id")
    parent = serializers.SerializerMethodField()  # type: ignore[assignment]
    parent_id = serializers.SerializerMethodField()
    twin_of = serializers.IntegerField(source="twin_of.number", allow_null=True, default=None)
    successor = serializers.CharField(source="successor.public_id", allow_null=True, default=None)
    registered_by = serializers.CharField(source="registered_by.username")
    tags = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = (
            "id",
            "model_id",
            "number",
            "description",
            "stage",
            "artifact_state",
            "artifact_error",
            "sync_state",
            "source",
            "run_id",
            "tree_digest",
            "size_bytes",
            "file_count",
            "flavor",
            "signature",
            "metrics",
            "parameters",
            "tags",
            "parent",
            "parent_id",
            "mlflow_name",
            "mlflow_version",
            "origin",
            "licence",
            "security_level",
            "code_revision",
            "identity_digest",
            "twin_of",
            "successor",
            "deprecated_at",
            "sunset_at",
            "registered_by",
            "created_at",
        )

    def get_tags(self, version: ModelVersion) -> dict[str, Any]:
        """Keys and values, each as what it is: a text, a number, a boolean, or a date as text."""
        return {tag.key: tag.content for tag in version.tags.all()}

    def get_parent(self, version: ModelVersion) -> int | None:
        """The number of a parent of the same model."""
        parent = version.parent
        return parent.number if parent and parent.model_id == version.model_id else None

    def get_parent_id(self, version: ModelVersion) -> str | None:
        """The public id of a parent in the same project; what other projects share is asked of
        the lineage, which knows who may see it."""
        parent = version.parent
        return parent.public_id if parent and parent.project_id == version.project_id else None


class NamedField(serializers.DictField):
    """Values by name; PostgreSQL keeps no NUL."""

    max_name = 250

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The values. Raises ValidationError for too many, or a name that cannot be kept."""
        named: dict[str, Any] = super().to_internal_value(data)
        if len(named) > MAX_ENTRIES or not all(self._may_name(name) for name in named):
            raise serializers.ValidationError(
                f"At most {MAX_ENTRIES}, each name 1 to {self.max_name} letters without NUL."
            )
        return named

    def _may_name(self, name: str) -> bool:
        return 1 <= len(name) <= self.max_name and "\0" not in name


class TagsField(NamedField):
    """Keys of at most 100 letters; a text, a number, a boolean, or {"value", "kind"}."""

    child = serializers.JSONField()
    max_name = 100


class NewTagsSerializer(serializers.Serializer):
    tags = TagsField()


class RegisterSerializer(serializers.Serializer):
    """What a client says of a version; the bytes are copied from `source` afterwards."""

    project = serializers.CharField(max_length=63)
    model = serializers.CharField(max_length=63, validators=[slug_validator])
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=500,
        help_text="runs:/<run>/<path>, models:/m-<id>, models:/<name>/<number>, "
        "upload:/<upload id> or hf:/<owner>/<repository>@<commit>",
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=200)
    task = serializers.ChoiceField(["classification", "regression"], required=False)
    run_id = serializers.RegexField(r"^[0-9a-zA-Z_-]{0,64}\Z", required=False, allow_blank=True)
    parent = serializers.CharField(  # type: ignore[assignment]
        required=False,
        allow_null=True,
        help_text="number of a version of this model, or the public id of any",
    )
    training_data = serializers.ListField(
        child=serializers.CharField(max_length=48), required=False, max_length=MAX_ENTRIES
    )
    contributions = serializers.ListField(
        child=serializers.RegexField(r"^ctr_[0-9a-f]{32}\Z"), required=False, max_length=MAX_ENTRIES
    )
    metrics = NamedField(child=serializers.FloatField(), required=False)
    parameters = NamedField(
        child=serializers.CharField(max_length=500, allow_blank=True), required=False
    )
    tags = TagsField(required=False)
    uses = serializers.ListField(
        child=serializers.RegexField(r"^mdv_[0-9a-f]{32}\Z"),
        required=False,
        max_length=50,
        help_text="versions that it needs at run time",
    )
    card = serializers.CharField(required=False, allow_blank=True, max_length=200_000)
    licence = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="an SPDX expression"
    )
    security_level = serializers.ChoiceField(SecurityLevel.choices, required=False)
    code_revision = serializers.CharField(required=False, allow_blank=True, max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)

    def validate_metrics(self, value: dict[str, float]) -> dict[str, float]:
        """Finite numbers: JSON and PostgreSQL have no others."""
        if not all(math.isfinite(number) for number in value.values()):
            raise serializers.ValidationError("Metrics are finite numbers.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`contributions` is another name for training data."""
        given = attrs.pop("contributions", [])
        if given:
            attrs["training_data"] = [*attrs.get("training_data", []), *given]
        return attrs


class LineageNodeSerializer(serializers.Serializer):
    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    project = serializers.CharField(source="project_slug", allow_null=True)
    hidden = serializers.BooleanField()


class LineageEdgeSerializer(serializers.Serializer):
    src = serializers.CharField()
    dst = serializers.CharField()
    kind = serializers.CharField()
    attributes = serializers.DictField()


class LineageSerializer(ReadSerializer):
    nodes = LineageNodeSerializer(many=True)
    edges = LineageEdgeSerializer(many=True)
    truncated = serializers.BooleanField(help_text="whether there is more than the limit")


class LineageQuerySerializer(serializers.Serializer):
    direction = serializers.ChoiceField(["both", "ancestors", "descendants"], default="both")
    limit = serializers.IntegerField(min_value=1, max_value=5000, default=1000)


class DatasetSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")

    class Meta:
        model = Dataset
        fields = ("id", "project", "slug", "name", "description", "archived_at", "created_at")


class NewDatasetSerializer(serializers.Serializer):
    project = serializers.CharField(max_length=63)
    slug = serializers.CharField(max_length=63, validators=[slug_validator])
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class DatasetVersionSerializer(ReadModelSerializer):
    dataset = serializers.CharField(source="dataset.public_id")
    project = serializers.CharField(source="dataset.project.slug")
    uploaded_by = serializers.CharField(source="uploaded_by.username")

    class Meta:
        model = DatasetVersion
        fields = (
            "id",
            "dataset",
            "project",
            "number",
            "state",
            "access",
            "file_format",
            "file_digest",
            "size_bytes",
            "label_column",
            "id_column",
            "columns",
            "rows_digest",
            "row_count",
            "reasons",
            "uploaded_by",
            "created_at",
        )


class ColumnSerializer(serializers.Serializer):
    name = serializers.CharField()
    dtype = serializers.CharField()


class TableSchemaSerializer(ReadModelSerializer):
    """The columns of a table, without a row of it."""

    columns = ColumnSerializer(many=True)

    class Meta:
        model = DatasetVersion
        fields = ("id", "state", "columns", "label_column", "id_column", "row_count")


class TableStatisticsSerializer(ReadSerializer):
    rows = serializers.IntegerField()
    columns = serializers.ListField(child=serializers.DictField())
    label = serializers.DictField(allow_null=True)  # type: ignore[assignment]


class PreviewSerializer(ReadSerializer):
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField())


class TableUploadSerializer(serializers.Serializer):
    """A table as a file."""

    file = serializers.FileField(help_text="CSV, Parquet or JSON lines")
    file_format = serializers.ChoiceField(
        FORMATS, required=False, help_text="by the file's name where absent"
    )
    label_column = serializers.CharField(required=False, allow_blank=True, max_length=200)
    id_column = serializers.CharField(required=False, allow_blank=True, max_length=200)
    access = serializers.ChoiceField(Access.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The format by the file's name. Raises ValidationError where neither tells it."""
        name = attrs["file"].name.lower()
        attrs.setdefault("file_format", name.rpartition(".")[2])
        if attrs["file_format"] not in FORMATS:
            raise serializers.ValidationError({"file_format": f"One of {', '.join(FORMATS)}."})
        attrs["content"] = attrs.pop("file").read()
        return attrs
