from django.db import models
from django.db.models.functions import Now

from experiments.choices import RunLifecycle, RunStatus
from experiments.querysets import RunQuerySet
from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field
from registry.models import TrackedExperiment


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
