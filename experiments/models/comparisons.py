from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from experiments.choices import ComparisonStatus, ConfirmationStatus, EvaluationRole, Split
from experiments.models.benchmarks import PPM, Benchmark
from experiments.querysets import (
    ComparisonQuerySet,
    OfComparisonQuerySet,
    OfModelQuerySet,
)
from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from hokusai.transparency.models import LogRecord
from registry.models import DatasetVersion, Model, ModelVersion


class Experiment(models.Model):
    """A line of work on one model: a baseline, a benchmark, and the tries to beat it."""

    public_id = public_id_field("exp")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="experiments")
    name = models.CharField(max_length=200)
    hypothesis = models.TextField(blank=True)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="experiments")
    baseline = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="experiments")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name


class Comparison(models.Model):
    """A candidate against a baseline on the same rows; decided once."""

    public_id = public_id_field("cmp")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="comparisons")
    experiment = models.ForeignKey(
        Experiment, on_delete=models.PROTECT, null=True, related_name="comparisons"
    )
    baseline = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="comparisons"
    )
    baseline_digest = models.CharField(max_length=64, editable=False)
    candidate_digest = models.CharField(max_length=64, editable=False)
    status = models.CharField(
        max_length=10, choices=ComparisonStatus, default=ComparisonStatus.REQUESTED, editable=False
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    attempt = models.PositiveIntegerField(
        help_text="which try this is against these rows, in this project"
    )
    reason = models.CharField(max_length=40, blank=True, editable=False)
    explanation = models.TextField(blank=True, editable=False)
    delta_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    low_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    high_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    p_value = models.FloatField(null=True, editable=False, help_text="McNemar mid-p, one-sided")
    statistics = models.JSONField(default=dict, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", ComparisonStatus, "comparison_status_known"),
            models.UniqueConstraint(
                fields=["benchmark", "baseline_digest", "candidate_digest"],
                name="comparison_same_pair_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(baseline=models.F("candidate")), name="comparison_of_two"
            ),
        )

    def __str__(self) -> str:
        return f"{self.candidate} against v{self.baseline.number}"

    @property
    def project(self) -> Project:
        return self.benchmark.project

    @property
    def findings(self) -> dict[str, Any]:
        """The statistics without the evidence, which `with_names` does not read."""
        told: dict[str, Any] | None = self.__dict__.get("told")
        if told is not None:
            return told
        return {name: value for name, value in self.statistics.items() if name != "evidence"}

    def move_to(self, target: ComparisonStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ComparisonStatus(self.status), target, "comparison")


class Evaluation(models.Model):
    """What one version scored on a benchmark, as one half of a comparison."""

    public_id = public_id_field("evl")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="evaluations")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    role = models.CharField(max_length=10, choices=EvaluationRole)
    split = models.CharField(max_length=12, choices=Split, default=Split.SCREENING)
    row_count = models.PositiveIntegerField()
    scores = models.JSONField(help_text="score of each metric, in millionths")
    outcomes_digest = models.CharField(
        max_length=64, help_text="sha256 of the per-row outcomes in the content store"
    )
    outcomes_root = models.CharField(
        max_length=DIGEST, blank=True, help_text="root of the salted outcomes; commits, tells none"
    )
    outcomes_secret = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="what the salts are made from"
    )
    confusion = models.JSONField(default=dict, help_text="labels, and counts by true and predicted")
    isolation_tier = models.CharField(max_length=1)
    duration_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfComparisonQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("role", EvaluationRole, "evaluation_role_known"),
            known_values("split", Split, "evaluation_split_known"),
            models.UniqueConstraint(fields=["comparison", "role", "split"], name="evaluation_once"),
        )

    def __str__(self) -> str:
        return f"{self.version} on {self.comparison.benchmark}"

    @property
    def project(self) -> Project:
        return self.comparison.project


class Attempt(models.Model):
    """One try against a set of rows: its number and level are fixed before anything is computed."""

    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="attempts")
    split = models.CharField(max_length=12, choices=Split, default=Split.SCREENING)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="attempts")
    dataset_version = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, related_name="attempts"
    )
    number = models.PositiveIntegerField(help_text="from 1, in this project against these rows")
    alpha_e9 = models.PositiveIntegerField(help_text="billionths: the level that it may spend")
    record = models.OneToOneField(LogRecord, on_delete=models.PROTECT, related_name="attempt")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("split", Split, "attempt_split_known"),
            models.UniqueConstraint(fields=["comparison", "split"], name="attempt_once"),
        )
        indexes = (models.Index(fields=["project", "dataset_version"], name="attempt_by_rows"),)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.comparison}"


class Confirmation(models.Model):
    """What rows that no decision had touched say about an accepted comparison."""

    comparison = models.OneToOneField(
        Comparison, on_delete=models.PROTECT, related_name="confirmation"
    )
    status = models.CharField(
        max_length=12,
        choices=ConfirmationStatus,
        default=ConfirmationStatus.REQUESTED,
        editable=False,
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    explanation = models.TextField(blank=True, editable=False)
    delta_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    low_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    high_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    p_value = models.FloatField(null=True, editable=False)
    statistics = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_at = models.DateTimeField(null=True, editable=False)

    objects = OfComparisonQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("status", ConfirmationStatus, "confirmation_status_known"),)

    def __str__(self) -> str:
        return f"confirmation of {self.comparison}"

    @property
    def project(self) -> Project:
        return self.comparison.project

    def move_to(self, target: ConfirmationStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ConfirmationStatus(self.status), target, "confirmation")


class CumulativeGain(models.Model):
    """How far a model's head is ahead of its first version, measured, not summed."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="cumulative_gains")
    benchmark = models.ForeignKey(
        Benchmark, on_delete=models.PROTECT, related_name="cumulative_gains"
    )
    first = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    head = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    delta_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    low_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    high_ppm = models.IntegerField(null=True, editable=False, help_text=PPM)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    measured_at = models.DateTimeField(null=True, editable=False)

    objects = OfModelQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["benchmark", "first", "head"], name="cumulative_gain_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.head} over v{self.first.number}"

    @property
    def project(self) -> Project:
        return self.model.project
