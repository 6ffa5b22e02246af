"""Predictions for whole tables: the batch, and the parts in which workers do it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from deployments.batch_choices import BatchStatus, ChunkStatus, OnError
from deployments.querysets import BatchQuerySet
from hokusai.accounts.models import Project
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import DatasetVersion, Model, ModelVersion


class BatchPrediction(models.Model):
    """Predictions of one version for every row of one table."""

    public_id = public_id_field("bat")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="batches")
    digest = models.CharField(max_length=DIGEST, help_text="tree digest of the version's bytes")
    deployment = models.ForeignKey(
        "deployments.Deployment",
        on_delete=models.PROTECT,
        null=True,
        related_name="batches",
        help_text="whose live version was taken; empty where the version was stated",
    )
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, null=True, related_name="batches"
    )
    file_name = models.CharField(max_length=200, blank=True, help_text="of an uploaded table")
    file_format = models.CharField(max_length=10)
    file_digest = models.CharField(max_length=DIGEST, help_text="sha256 of the table's bytes")
    size_bytes = models.BigIntegerField(help_text="of the table's file")
    table_digest = models.CharField(
        max_length=DIGEST,
        blank=True,
        editable=False,
        help_text="sha256 of the Parquet file that parts are read from",
    )
    id_column = models.CharField(max_length=200, blank=True)
    ignored_columns = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    on_error = models.CharField(max_length=4, choices=OnError, default=OnError.FAIL)
    chunk_rows = models.PositiveIntegerField(help_text="rows of a part, about")
    status = models.CharField(
        max_length=10, choices=BatchStatus, default=BatchStatus.QUEUED, editable=False
    )
    columns = models.JSONField(
        default=list, editable=False, help_text="the model's inputs, in the order it is given them"
    )
    shape = models.JSONField(
        default=dict, editable=False, help_text="task, columns and classes of the outputs"
    )
    row_count = models.PositiveBigIntegerField(null=True, editable=False)
    rows_done = models.PositiveBigIntegerField(default=0, editable=False)
    rows_marked = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="rows that the model refused"
    )
    rows_before = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="done when it was started last"
    )
    error = models.TextField(blank=True, editable=False)
    error_row = models.PositiveBigIntegerField(
        null=True, editable=False, help_text="row of the table that failed, from 0"
    )
    error_column = models.CharField(max_length=200, blank=True, editable=False)
    output_digest = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="sha256 of the Parquet file"
    )
    output_bytes = models.BigIntegerField(null=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(
        null=True, editable=False, help_text="when its table and outputs are forgotten"
    )
    forgotten_at = models.DateTimeField(null=True, editable=False)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "batch prediction"
        constraints = (
            known_values("status", BatchStatus, "batch_status_known"),
            known_values("on_error", OnError, "batch_on_error_known"),
        )
        indexes = (
            models.Index(
                fields=["expires_at"],
                condition=models.Q(forgotten_at=None),
                name="batch_to_forget",
            ),
            models.Index(
                fields=["status"],
                condition=models.Q(status__in=["queued", "running"]),
                name="batch_under_way",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} on {self.dataset_version or self.file_name}"

    @property
    def project(self) -> Project:
        return self.version.project

    @property
    def model(self) -> Model:
        return self.version.model

    def move_to(self, target: BatchStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(BatchStatus(self.status), target, "batch")


class BatchChunk(models.Model):
    """One part of a batch: rows [first_row, first_row + rows) of its table."""

    public_id = public_id_field("bch")
    batch = models.ForeignKey(BatchPrediction, on_delete=models.CASCADE, related_name="chunks")
    position = models.PositiveIntegerField(help_text="from 0")
    first_row = models.PositiveBigIntegerField()
    rows = models.PositiveIntegerField()
    status = models.CharField(
        max_length=7, choices=ChunkStatus, default=ChunkStatus.PENDING, editable=False
    )
    rows_done = models.PositiveIntegerField(
        default=0, editable=False, help_text="told while it is worked on"
    )
    rows_marked = models.PositiveIntegerField(default=0, editable=False)
    output_digest = models.CharField(max_length=DIGEST, blank=True, editable=False)
    output_bytes = models.BigIntegerField(null=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("batch_id", "position")
        constraints = (
            known_values("status", ChunkStatus, "batch_chunk_status_known"),
            models.UniqueConstraint(fields=["batch", "position"], name="batch_chunk_once"),
        )

    def __str__(self) -> str:
        return f"part {self.position} of {self.batch}"

    def move_to(self, target: ChunkStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ChunkStatus(self.status), target, "part")
