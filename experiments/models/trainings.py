from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from experiments.choices import TrainingStatus
from experiments.models.benchmarks import Benchmark
from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import DatasetVersion, Model, ModelVersion


class Training(models.Model):
    """A recipe applied twice: without the added data (control) and with it (candidate)."""

    public_id = public_id_field("trn")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="trainings")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="trainings")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="trainings")
    baseline = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="whose data the control is fitted on; both versions derive from it",
    )
    recipe = models.CharField(max_length=80, help_text="a key of the setting TRAINING_RECIPES")
    parameters = models.JSONField(default=dict)
    seeds = models.JSONField(help_text="whole numbers; the first builds the artifacts")
    base = models.ManyToManyField(DatasetVersion, related_name="+")
    added = models.ManyToManyField(DatasetVersion, related_name="trainings")
    control = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="control_of"
    )
    candidate = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="trained_by"
    )
    status = models.CharField(
        max_length=10, choices=TrainingStatus, default=TrainingStatus.REQUESTED, editable=False
    )
    explanation = models.TextField(blank=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("status", TrainingStatus, "training_status_known"),)

    def __str__(self) -> str:
        return f"{self.recipe} for {self.model}"

    def move_to(self, target: TrainingStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(TrainingStatus(self.status), target, "training")
