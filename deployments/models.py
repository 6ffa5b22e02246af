from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.querysets import DeploymentQuerySet, RevisionQuerySet
from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field, slug_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import Model, ModelVersion


class Deployment(models.Model):
    """A place that serves one version of a model at a time."""

    public_id = public_id_field("dep")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deployments")
    slug = slug_field()
    provider = models.CharField(max_length=40, help_text="a key of DEPLOYMENT_PROVIDERS")
    status = models.CharField(
        max_length=10, choices=DeploymentStatus, default=DeploymentStatus.ACTIVE, editable=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", DeploymentStatus, "deployment_status_known"),
            models.UniqueConstraint(fields=["model", "slug"], name="deployment_named_once"),
        )

    def __str__(self) -> str:
        return f"{self.model}/{self.slug}"

    @property
    def project(self) -> Project:
        return self.model.project

    def move_to(self, target: DeploymentStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(DeploymentStatus(self.status), target, "deployment")


class Revision(models.Model):
    """One version in one deployment; immutable but for its state."""

    public_id = public_id_field("rev")
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField(help_text="from 1 within the deployment")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="revisions")
    digest = models.CharField(max_length=64, help_text="tree digest of the bytes that serve")
    status = models.CharField(
        max_length=10, choices=RevisionStatus, default=RevisionStatus.PENDING, editable=False
    )
    endpoint = models.CharField(max_length=500, blank=True, editable=False)
    error = models.TextField(blank=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    live_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", RevisionStatus, "revision_status_known"),
            models.UniqueConstraint(fields=["deployment", "number"], name="revision_numbered_once"),
            models.UniqueConstraint(
                fields=["deployment"],
                condition=models.Q(status="live"),
                name="revision_one_live",
            ),
        )

    def __str__(self) -> str:
        return f"{self.deployment} revision {self.number}"

    @property
    def project(self) -> Project:
        return self.deployment.project

    def move_to(self, target: RevisionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(RevisionStatus(self.status), target, "revision")
