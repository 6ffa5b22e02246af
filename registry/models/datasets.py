from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, known_values, public_id_field, slug_field
from hokusai.core.states import moved
from registry.choices import Access, DatasetState
from registry.querysets import DatasetVersionQuerySet


class Dataset(models.Model):
    """A named line of immutable tables."""

    public_id = public_id_field("dst")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    slug = slug_field()
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True, editable=False)
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
    statistics = models.JSONField(default=dict, editable=False, help_text="of each column")
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
