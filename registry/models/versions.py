from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Func
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.fields import DIGEST, known_values, public_id_field, slug_field
from hokusai.core.states import moved
from registry.choices import ArtifactState, Origin, SecurityLevel, Stage, SyncState, TagKind
from registry.models.datasets import DatasetVersion
from registry.querysets import ModelQuerySet, ModelVersionQuerySet, OfVersionQuerySet


class Model(models.Model):
    """A named line of versions."""

    public_id = public_id_field("mdl")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="models")
    slug = slug_field()
    model_id = models.CharField(
        max_length=127, unique=True, editable=False, help_text="project.model; never reused"
    )
    name = models.CharField(max_length=200, help_text="display name, any letters")
    description = models.TextField(blank=True)
    task = models.CharField(max_length=40, default="classification")
    head = models.ForeignKey(
        "ModelVersion",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        help_text="the best version by accepted improvement",
    )
    archived_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Names are read as words: "tides.forecast" is found by "forecast".
    words = models.GeneratedField(
        expression=SearchVector(
            Func(
                models.F("model_id"),
                models.Value(".-"),
                models.Value("  "),
                function="translate",
                output_field=models.TextField(),
            ),
            "name",
            "description",
            "task",
            config="simple",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["project", "slug"], name="model_named_once"),
        )
        indexes = (GinIndex(fields=["words"], name="model_words"),)

    def __str__(self) -> str:
        return self.model_id


class ModelVersion(models.Model):
    """One immutable artifact of a model, with what was said when it was registered."""

    public_id = public_id_field("mdv")
    # The model's own, kept here because every search begins with it; `version_by_project` is its
    # index.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(help_text="from 1 within the model")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    description = models.TextField(blank=True)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.NONE, editable=False)
    artifact_state = models.CharField(
        max_length=8, choices=ArtifactState, default=ArtifactState.PENDING, editable=False
    )
    artifact_error = models.TextField(blank=True, editable=False)
    sync_state = models.CharField(
        max_length=8, choices=SyncState, default=SyncState.PENDING, editable=False
    )
    source = models.CharField(max_length=500, help_text="where the bytes were copied from")
    run_id = models.CharField(max_length=64, blank=True, help_text="the MLflow run")
    tree_digest = models.CharField(max_length=DIGEST, blank=True, editable=False)
    size_bytes = models.BigIntegerField(null=True, editable=False)
    file_count = models.PositiveIntegerField(null=True, editable=False)
    flavor = models.CharField(max_length=40, blank=True, editable=False)
    signature = models.JSONField(default=dict, editable=False, help_text="inputs and outputs")
    metrics = models.JSONField(default=dict)
    parameters = models.JSONField(default=dict)
    mlflow_name = models.CharField(max_length=255, blank=True, editable=False)
    mlflow_version = models.CharField(max_length=20, blank=True, editable=False)
    mlflow_note = models.TextField(blank=True, editable=False, help_text="duplicates, conflicts")
    identity_digest = models.CharField(
        max_length=DIGEST,
        blank=True,
        editable=False,
        help_text="equal for two saves of one model, whose bytes differ",
    )
    twin_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="twins",
        help_text="the first version of the model with the same identity",
    )
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.REGISTERED)
    code_revision = models.CharField(max_length=200, blank=True, help_text="commit of the code")
    licence = models.CharField(max_length=200, blank=True, help_text="SPDX expression")
    security_level = models.CharField(
        max_length=12, choices=SecurityLevel, default=SecurityLevel.INTERNAL
    )
    card = models.TextField(blank=True, help_text="model card: front matter and Markdown")
    input_example = models.JSONField(null=True, help_text="as it lies beside the model")
    requirements = models.JSONField(
        default=list, editable=False, help_text="Python packages that the artifact names"
    )
    uses = models.ManyToManyField("self", symmetrical=False, related_name="used_by", blank=True)
    successor = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", help_text="of a retired one"
    )
    deprecated_at = models.DateTimeField(null=True, editable=False)
    sunset_at = models.DateTimeField(null=True, help_text="when a retired version goes away")
    training_data = models.ManyToManyField(DatasetVersion, related_name="trained", blank=True)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    words = models.GeneratedField(
        expression=SearchVector("description", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("stage", Stage, "version_stage_known"),
            known_values("artifact_state", ArtifactState, "version_artifact_state_known"),
            known_values("sync_state", SyncState, "version_sync_state_known"),
            known_values("origin", Origin, "version_origin_known"),
            known_values("security_level", SecurityLevel, "version_security_level_known"),
            models.UniqueConstraint(fields=["model", "number"], name="version_numbered_once"),
            models.UniqueConstraint(
                fields=["model"],
                condition=models.Q(stage="production"),
                name="version_one_in_production",
            ),
            models.CheckConstraint(
                condition=~models.Q(artifact_state="ready") | ~models.Q(tree_digest=""),
                name="version_ready_has_digest",
            ),
        )
        indexes = (
            models.Index(fields=["project", "-id"], name="version_by_project"),
            models.Index(
                fields=["model", "-number"],
                condition=models.Q(stage="production"),
                name="version_serving",
            ),
            GinIndex(fields=["words"], name="version_words"),
            # A new version is in none of these: what is registered often, costs little.
            models.Index(
                fields=["stage", "-id"], condition=~models.Q(stage="none"), name="version_staged"
            ),
            models.Index(
                fields=["tree_digest"], condition=~models.Q(tree_digest=""), name="version_tree"
            ),
            models.Index(
                fields=["identity_digest"],
                condition=~models.Q(identity_digest=""),
                name="version_identity",
            ),
            models.Index(
                fields=["sync_state"],
                condition=~models.Q(sync_state="synced"),
                name="version_unsynced",
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    def move_artifact_to(self, target: ArtifactState) -> None:
        """Set the artifact state without saving. Raises InvalidTransition when not allowed."""
        self.artifact_state = moved(ArtifactState(self.artifact_state), target, "artifact")

    def move_stage_to(self, target: Stage) -> None:
        """Set the stage without saving. Raises InvalidTransition when not allowed."""
        self.stage = moved(Stage(self.stage), target, "version")


class VersionTag(models.Model):
    """One key and value that people search versions by."""

    # The constraint's index begins with it.
    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    key = models.CharField(max_length=100)
    value = models.CharField(max_length=500, help_text="as text")
    kind = models.CharField(max_length=8, choices=TagKind, default=TagKind.TEXT)
    number = models.FloatField(
        null=True, help_text="of numbers; of dates, seconds since 1970; of booleans, 0 or 1"
    )

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("version_id", "key")
        constraints = (
            known_values("kind", TagKind, "tag_kind_known"),
            models.UniqueConstraint(fields=["version", "key"], name="tag_once"),
        )
        indexes = (
            models.Index(fields=["key", "value", "version"], name="tag_search"),
            models.Index(
                fields=["key", "number", "version"],
                condition=models.Q(number__isnull=False),
                name="tag_range",
            ),
        )

    def __str__(self) -> str:
        return f"{self.key}={self.value}"

    @property
    def content(self) -> str | float | bool:
        """The value as what it is; a date as its text."""
        if self.number is None or self.kind == TagKind.DATE:
            return self.value
        return bool(self.number) if self.kind == TagKind.BOOLEAN else self.number


class VersionMetric(models.Model):
    """One metric of a version as a number that searches and orderings read."""

    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="scores", db_index=False
    )
    key = models.CharField(max_length=250)
    value = models.FloatField()

    class Meta:
        ordering = ("version_id", "key")
        constraints = (models.UniqueConstraint(fields=["version", "key"], name="metric_once"),)
        indexes = (models.Index(fields=["key", "value", "version"], name="metric_search"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
