from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from experiments.choices import (
    BenchmarkStatus,
    ComparisonStatus,
    EvaluationRole,
    RunLifecycle,
    RunStatus,
)
from experiments.querysets import ComparisonQuerySet, EvaluationQuerySet, RunQuerySet
from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import known_values, public_id_field, slug_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import DatasetVersion, Model, ModelVersion, TrackedExperiment

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
    task = models.CharField(max_length=40, default="classification")
    features = models.JSONField(help_text="the input columns, in order")
    label_column = models.CharField(max_length=200)
    metric = models.CharField(max_length=40, help_text="the metric that decides")
    margin_ppm = models.IntegerField(default=0, help_text=PPM)
    minimum_gain_ppm = models.IntegerField(default=10_000, help_text=PPM)
    alpha = models.FloatField(default=0.025, help_text="one-sided, before attempts are counted")
    guardrails = models.JSONField(default=list, help_text="metric and margin_ppm of each")
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
        )

    def __str__(self) -> str:
        return self.name

    def move_to(self, target: BenchmarkStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(BenchmarkStatus(self.status), target, "benchmark")


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

    def move_to(self, target: ComparisonStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ComparisonStatus(self.status), target, "comparison")


class Evaluation(models.Model):
    """What one version scored on a benchmark, as one half of a comparison."""

    public_id = public_id_field("evl")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="evaluations")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    role = models.CharField(max_length=10, choices=EvaluationRole)
    row_count = models.PositiveIntegerField()
    scores = models.JSONField(help_text="score of each metric, in millionths")
    outcomes_digest = models.CharField(
        max_length=64, help_text="sha256 of the per-row outcomes in the content store"
    )
    confusion = models.JSONField(default=dict, help_text="labels, and counts by true and predicted")
    isolation_tier = models.CharField(max_length=1)
    duration_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("role", EvaluationRole, "evaluation_role_known"),
            models.UniqueConstraint(fields=["comparison", "role"], name="evaluation_once"),
        )

    def __str__(self) -> str:
        return f"{self.version} on {self.comparison.benchmark}"

    @property
    def project(self) -> Project:
        return self.comparison.project


class RunFeed(models.Model):
    """How far the runs of one experiment of the tracking server were brought along."""

    experiment = models.OneToOneField(
        TrackedExperiment, on_delete=models.PROTECT, primary_key=True, related_name="feed"
    )
    pulled_at = models.DateTimeField(null=True, help_text="when the last look at news began")
    swept_at = models.DateTimeField(null=True, help_text="when the last complete pass began")

    class Meta:
        ordering = ("experiment",)

    def __str__(self) -> str:
        return f"runs of {self.experiment}"


class Run(models.Model):
    """A run of the tracking server, in an experiment that is mapped to a project."""

    public_id = public_id_field("run")
    experiment = models.ForeignKey(TrackedExperiment, on_delete=models.PROTECT, related_name="runs")
    run_id = models.CharField(max_length=64, help_text="as the tracking server names it")
    name = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=RunStatus)
    user = models.CharField(max_length=300, blank=True, help_text="as the tracking server says")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    metrics = models.JSONField(default=dict, help_text="the latest finite value of each")
    parameters = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)
    lifecycle = models.CharField(
        max_length=10, choices=RunLifecycle, default=RunLifecycle.ACTIVE, editable=False
    )
    digest = models.CharField(
        max_length=64, editable=False, help_text="sha256 of what was read; equal: nothing changed"
    )
    missed = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="complete passes since that did not see it"
    )
    seen_at = models.DateTimeField(db_default=Now(), help_text="when this was read")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-id")
        constraints = (
            known_values("status", RunStatus, "run_status_known"),
            known_values("lifecycle", RunLifecycle, "run_lifecycle_known"),
            models.UniqueConstraint(fields=["experiment", "run_id"], name="run_once"),
        )
        indexes = (
            models.Index(fields=["run_id"], name="run_by_its_id"),
            models.Index(fields=["-started_at", "-id"], name="run_by_start"),
            models.Index(fields=["experiment", "-started_at"], name="run_of_experiment"),
            models.Index(
                fields=["experiment"],
                condition=models.Q(status__in=["scheduled", "running"]),
                name="run_unfinished",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.run_id[:12]

    @property
    def project(self) -> Project | None:
        return self.experiment.project


class RunHistory(models.Model):
    """All values of one metric of a run, as they were when somebody asked for them."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="histories")
    metric = models.CharField(max_length=300)
    points = models.JSONField(help_text="[step, Unix time in ms, value], by step; thinned")
    total = models.PositiveIntegerField(help_text="how many points there were before thinning")
    fetched_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "run histories"
        ordering = ("run", "metric")
        constraints = (models.UniqueConstraint(fields=["run", "metric"], name="run_history_once"),)

    def __str__(self) -> str:
        return f"{self.metric} of {self.run}"
