from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import known_values, public_id_field, slug_field
from hokusai.core.states import moved
from registry.choices import (
    Access,
    ArtifactState,
    DatasetState,
    EdgeKind,
    NodeKind,
    PromotionStatus,
    Stage,
    SyncState,
)
from registry.querysets import (
    DatasetVersionQuerySet,
    ModelVersionQuerySet,
    OfVersionQuerySet,
    PromotionQuerySet,
)

DIGEST = 64


class Dataset(models.Model):
    """A named line of immutable tables."""

    public_id = public_id_field("dst")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    slug = slug_field()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["project", "slug"], name="dataset_named_once"),
        )

    def __str__(self) -> str:
        return self.name


class DatasetVersion(models.Model):
    """One immutable table: its bytes in the content store, its digests here."""

    public_id = public_id_field("dsv")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(help_text="from 1 within the dataset")
    state = models.CharField(
        max_length=10, choices=DatasetState, default=DatasetState.RECEIVED, editable=False
    )
    access = models.CharField(max_length=10, choices=Access, default=Access.MEMBERS)
    file_format = models.CharField(max_length=10)
    file_digest = models.CharField(max_length=DIGEST, help_text="sha256 of the file's bytes")
    size_bytes = models.BigIntegerField()
    label_column = models.CharField(max_length=200, blank=True)
    id_column = models.CharField(max_length=200, blank=True)
    columns = models.JSONField(default=list, help_text="name and dtype of each column")
    rows_digest = models.CharField(max_length=DIGEST, blank=True, help_text="root over all rows")
    row_count = models.PositiveIntegerField(null=True)
    reasons = models.JSONField(default=list, help_text="why it was refused")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("state", DatasetState, "dataset_version_state_known"),
            known_values("access", Access, "dataset_version_access_known"),
            models.UniqueConstraint(
                fields=["dataset", "number"], name="dataset_version_numbered_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"

    @property
    def project(self) -> Project:
        return self.dataset.project

    def move_to(self, target: DatasetState) -> None:
        """Set the state without saving. Raises InvalidTransition when not allowed."""
        self.state = moved(DatasetState(self.state), target, "dataset")


class RowDigest(models.Model):
    """Digests of one row, with and without its label: how copies are found."""

    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.CASCADE, related_name="row_digests"
    )
    row = models.BinaryField(max_length=32)
    inputs = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=["inputs"], name="row_digest_inputs"),
            models.Index(fields=["row"], name="row_digest_row"),
        )

    def __str__(self) -> str:
        return bytes(self.row).hex()


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
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["project", "slug"], name="model_named_once"),
        )

    def __str__(self) -> str:
        return self.model_id


class ModelVersion(models.Model):
    """One immutable artifact of a model, with what was said when it was registered."""

    public_id = public_id_field("mdv")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(help_text="from 1 within the model")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    description = models.TextField(blank=True)
    stage = models.CharField(
        max_length=12, choices=Stage, default=Stage.NONE, editable=False, db_index=True
    )
    artifact_state = models.CharField(
        max_length=8, choices=ArtifactState, default=ArtifactState.PENDING, editable=False
    )
    artifact_error = models.TextField(blank=True, editable=False)
    sync_state = models.CharField(
        max_length=8, choices=SyncState, default=SyncState.PENDING, editable=False
    )
    source = models.CharField(max_length=500, help_text="where the bytes were copied from")
    run_id = models.CharField(max_length=64, blank=True, help_text="the MLflow run")
    tree_digest = models.CharField(max_length=DIGEST, blank=True, editable=False, db_index=True)
    size_bytes = models.BigIntegerField(null=True, editable=False)
    file_count = models.PositiveIntegerField(null=True, editable=False)
    flavor = models.CharField(max_length=40, blank=True, editable=False)
    signature = models.JSONField(default=dict, editable=False, help_text="inputs and outputs")
    metrics = models.JSONField(default=dict)
    parameters = models.JSONField(default=dict)
    mlflow_name = models.CharField(max_length=255, blank=True, editable=False)
    mlflow_version = models.CharField(max_length=20, blank=True, editable=False)
    mlflow_note = models.TextField(blank=True, editable=False, help_text="duplicates, conflicts")
    training_data = models.ManyToManyField(DatasetVersion, related_name="trained", blank=True)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("stage", Stage, "version_stage_known"),
            known_values("artifact_state", ArtifactState, "version_artifact_state_known"),
            known_values("sync_state", SyncState, "version_sync_state_known"),
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
            models.Index(
                fields=["sync_state"],
                condition=~models.Q(sync_state="synced"),
                name="version_unsynced",
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} v{self.number}"

    @property
    def project(self) -> Project:
        return self.model.project

    def move_artifact_to(self, target: ArtifactState) -> None:
        """Set the artifact state without saving. Raises InvalidTransition when not allowed."""
        self.artifact_state = moved(ArtifactState(self.artifact_state), target, "artifact")

    def move_stage_to(self, target: Stage) -> None:
        """Set the stage without saving. Raises InvalidTransition when not allowed."""
        self.stage = moved(Stage(self.stage), target, "version")


class VersionTag(models.Model):
    """One key and value that people search versions by."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="tags")
    key = models.CharField(max_length=100)
    value = models.CharField(max_length=500)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("version_id", "key")
        constraints = (models.UniqueConstraint(fields=["version", "key"], name="tag_once"),)
        indexes = (models.Index(fields=["key", "value", "version"], name="tag_search"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Promotion(models.Model):
    """A request to move a version to a stage, its checks and its decision."""

    public_id = public_id_field("prm")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    target = models.CharField(max_length=12, choices=Stage)
    status = models.CharField(
        max_length=10,
        choices=PromotionStatus,
        default=PromotionStatus.REQUESTED,
        editable=False,
    )
    comment = models.TextField(blank=True, help_text="why")
    checks = models.JSONField(default=list, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decision_comment = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", PromotionStatus, "promotion_status_known"),
            known_values("target", Stage, "promotion_target_known"),
            models.UniqueConstraint(
                fields=["version", "target"],
                condition=models.Q(status="requested"),
                name="promotion_one_open",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="approved")
                | ~models.Q(decided_by=models.F("requested_by")),
                name="promotion_by_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} to {self.target}"

    @property
    def project(self) -> Project:
        return self.version.project

    def move_to(self, target: PromotionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(PromotionStatus(self.status), target, "promotion")


class LineageNode(models.Model):
    """A point of the lineage graph: something with a public id, in a project or global."""

    public_id = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=NodeKind)
    label = models.CharField(max_length=200)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("id",)
        constraints = (known_values("kind", NodeKind, "lineage_node_kind_known"),)

    def __str__(self) -> str:
        return self.label


class LineageEdge(models.Model):
    """The second point came from the first."""

    src = models.ForeignKey(LineageNode, on_delete=models.PROTECT, related_name="outgoing")
    dst = models.ForeignKey(LineageNode, on_delete=models.PROTECT, related_name="incoming")
    kind = models.CharField(max_length=12, choices=EdgeKind)
    attributes = models.JSONField(default=dict, help_text="what is shown on the edge")

    class Meta:
        ordering = ("id",)
        constraints = (
            known_values("kind", EdgeKind, "lineage_edge_kind_known"),
            models.UniqueConstraint(fields=["src", "dst", "kind"], name="lineage_edge_once"),
        )
        indexes = (models.Index(fields=["dst", "src"], name="lineage_backwards"),)

    def __str__(self) -> str:
        return f"{self.src} {self.kind} {self.dst}"
