from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from experiments.choices import BenchmarkStatus, Task
from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, known_values, public_id_field, slug_field
from hokusai.core.states import moved
from registry.models import DatasetVersion

PPM = "millionths: 10,000 is one percentage point"


class Benchmark(models.Model):
    """Fixed rows, metrics and policy by which versions are compared; immutable."""

    public_id = public_id_field("bmk")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="benchmarks")
    slug = slug_field()
    name = models.CharField(max_length=200)
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, related_name="benchmarks"
    )
    status = models.CharField(
        max_length=10, choices=BenchmarkStatus, default=BenchmarkStatus.DRAFT, editable=False
    )
    task = models.CharField(max_length=40, choices=Task, default=Task.CLASSIFICATION)
    features = models.JSONField(help_text="the input columns, in order")
    label_column = models.CharField(max_length=200)
    metric = models.CharField(max_length=40, help_text="the metric that decides")
    margin_ppm = models.IntegerField(default=0, help_text=PPM)
    minimum_gain_ppm = models.IntegerField(default=10_000, help_text=PPM)
    alpha = models.FloatField(default=0.025, help_text="one-sided, before attempts are counted")
    guardrails = models.JSONField(default=list, help_text="metric and margin_ppm of each")
    cluster_column = models.CharField(
        max_length=200, blank=True, help_text="rows that share a value are no independent evidence"
    )
    weight_column = models.CharField(max_length=200, blank=True, help_text="how much a row counts")
    group_column = models.CharField(
        max_length=200, blank=True, help_text="the query whose rows are ranked together"
    )
    slice_columns = models.JSONField(default=list, help_text="columns whose values are told apart")
    confirmation_ppm = models.PositiveIntegerField(
        default=0, help_text="millionths of the rows kept to confirm what was accepted; 0: none"
    )
    split_salt = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="decides the split; never shown"
    )
    seed = models.BigIntegerField(default=20261120)
    spec_digest = models.CharField(max_length=64, editable=False, help_text="sha256 of all above")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", BenchmarkStatus, "benchmark_status_known"),
            models.UniqueConstraint(fields=["project", "slug"], name="benchmark_named_once"),
            models.CheckConstraint(
                condition=models.Q(approved_by=None)
                | ~models.Q(approved_by=models.F("created_by")),
                name="benchmark_by_two_persons",
            ),
            models.CheckConstraint(
                condition=models.Q(alpha__gt=0, alpha__lt=0.5), name="benchmark_alpha_sane"
            ),
            known_values("task", Task, "benchmark_task_known"),
            models.CheckConstraint(
                condition=models.Q(confirmation_ppm__lte=900_000),
                name="benchmark_confirmation_leaves_rows",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def move_to(self, target: BenchmarkStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(BenchmarkStatus(self.status), target, "benchmark")
