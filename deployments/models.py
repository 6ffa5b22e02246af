from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from deployments.choices import DeploymentStatus, Environment, RevisionStatus
from deployments.querysets import DeploymentQuerySet, RevisionQuerySet
from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field, slug_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.choices import Stage
from registry.models import Model, ModelVersion

MIN_MEMORY_BYTES = 64 << 20
MAX_DEADLINE_MS = 600_000


class Deployment(models.Model):
    """A place that serves one version of a model at a time, and how it is to serve it."""

    public_id = public_id_field("dep")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="deployments")
    slug = slug_field()
    provider = models.CharField(max_length=40, help_text="a key of DEPLOYMENT_PROVIDERS")
    status = models.CharField(
        max_length=10, choices=DeploymentStatus, default=DeploymentStatus.ACTIVE, editable=False
    )
    environment = models.CharField(
        max_length=12, choices=Environment, default=Environment.DEVELOPMENT
    )
    required_stage = models.CharField(
        max_length=12,
        choices=Stage,
        default=Stage.NONE,
        help_text="stage that a version must have reached to be served here",
    )
    require_digest = models.BooleanField(
        default=False, help_text="whoever deploys must state the digest of the bytes meant"
    )
    memory_bytes = models.BigIntegerField(
        default=1 << 30,
        validators=[MinValueValidator(MIN_MEMORY_BYTES)],
        help_text="what the model's process may hold",
    )
    latency_budget_ms = models.FloatField(
        default=2.0,
        validators=[MinValueValidator(0), MaxValueValidator(1000)],
        help_text="how long a request may wait for others, to be answered together with them",
    )
    idle_s = models.PositiveIntegerField(
        default=900, help_text="seconds without a request after which the process ends; 0: never"
    )
    deadline_ms = models.PositiveIntegerField(
        default=10_000,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DEADLINE_MS)],
        help_text="how long a prediction may take, unless the request says less",
    )
    rate_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="predictions per minute from all callers; empty: any"
    )
    personal_data = models.BooleanField(
        default=True, help_text="whether the rows may tell of persons: results are not cached"
    )
    cache_s = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="how long a result is kept; empty: not at all for personal data, else a minute",
    )
    log_sample = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="part of the predictions that the log keeps; failed ones are always kept",
    )
    log_payloads = models.BooleanField(
        default=True, help_text="whether the log keeps rows and outputs, or only that it happened"
    )
    log_every_row = models.BooleanField(
        default=False, help_text="what finds no room in the log's queue goes to disk, not away"
    )
    redacted_columns = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="columns whose values the log never keeps",
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
            known_values("environment", Environment, "deployment_environment_known"),
            models.CheckConstraint(
                condition=models.Q(log_sample__gte=0, log_sample__lte=1),
                name="deployment_log_sample_is_a_part",
            ),
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
    digest = models.CharField(max_length=64, help_text="tree digest of the version's bytes")
    converted_digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="tree digest of the ONNX made from them, where that is what runs",
    )
    status = models.CharField(
        max_length=10, choices=RevisionStatus, default=RevisionStatus.PENDING, editable=False
    )
    endpoint = models.CharField(max_length=500, blank=True, editable=False)
    served_with = models.CharField(
        max_length=80,
        blank=True,
        editable=False,
        help_text="memory, latency budget and idle time that its provider was last told",
    )
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
            models.UniqueConstraint(
                fields=["deployment"],
                condition=models.Q(status="standby"),
                name="revision_one_standby",
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


from deployments.batch_models import BatchChunk, BatchPrediction  # noqa: E402, F401
from deployments.log_models import PredictionExport, PredictionLog  # noqa: E402, F401
from deployments.receipt_models import PredictionReceipt  # noqa: E402, F401
