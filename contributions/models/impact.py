from django.db import models

from contributions.models.contributions import Contributor
from contributions.querysets import ImpactQuerySet
from hokusai.accounts.models import Project
from registry.models import Model


class ImpactDay(models.Model):
    """What one person's data was credited with on one day, for one model and metric."""

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="impact")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="impact")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="impact")
    metric = models.CharField(max_length=40)
    day = models.DateField()
    gain_e10 = models.BigIntegerField(
        help_text="millionths of the metric times basis points: 10^10 is one unit, all of it"
    )
    shares = models.PositiveIntegerField(help_text="attested shares that were summed")

    objects = ImpactQuerySet.as_manager()

    class Meta:
        ordering = ("-day", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["contributor", "project", "model", "metric", "day"],
                name="impact_day_once",
            ),
        )
        indexes = (
            models.Index(fields=["model", "metric", "day"], name="impact_by_model"),
            models.Index(fields=["project", "metric"], name="impact_by_project"),
        )

    def __str__(self) -> str:
        return f"{self.contributor} on {self.day}"


class ImpactTotal(models.Model):
    """The sum of a person's days in one project and metric; ranks are taken from these."""

    contributor = models.ForeignKey(
        Contributor, on_delete=models.PROTECT, related_name="impact_totals"
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="impact_totals")
    metric = models.CharField(max_length=40)
    gain_e10 = models.BigIntegerField(help_text="millionths of the metric times basis points")
    shares = models.PositiveIntegerField(help_text="attested shares that were summed")

    objects = ImpactQuerySet.as_manager()

    class Meta:
        verbose_name = "standing"
        verbose_name_plural = "leaderboard"
        ordering = ("-gain_e10", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["contributor", "project", "metric"], name="impact_total_once"
            ),
        )
        indexes = (
            # A rank reads these alone, without the rows.
            models.Index(
                fields=["metric", "project", "contributor"],
                include=["gain_e10", "shares"],
                name="impact_total_rank",
            ),
            models.Index(fields=["-gain_e10", "id"], name="impact_total_by_gain"),
        )

    def __str__(self) -> str:
        return f"{self.contributor} in {self.project}"
