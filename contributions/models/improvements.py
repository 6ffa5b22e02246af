from django.db import models
from django.db.models.functions import Now

from contributions.choices import AttributionStatus
from contributions.models.contributions import Contribution, Contributor
from contributions.querysets import (
    AttributionQuerySet,
    ImprovementQuerySet,
    OfImprovementQuerySet,
)
from experiments.models import PPM, Comparison
from hokusai.accounts.models import Project
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import Model, ModelVersion


class Improvement(models.Model):
    """An accepted comparison whose baseline was the head of its line; paid once."""

    public_id = public_id_field("imp")
    comparison = models.OneToOneField(
        Comparison, on_delete=models.PROTECT, related_name="improvement"
    )
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="improvements")
    baseline = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="improvements"
    )
    delta_ppm = models.PositiveIntegerField(help_text=PPM)
    payable_ppm = models.PositiveIntegerField(
        default=0,
        help_text="millionths that untouched rows confirm; 0 where nothing is payable",
    )
    payable_reason = models.CharField(
        max_length=40, blank=True, help_text="why nothing is payable; empty where something is"
    )
    method = models.CharField(max_length=40, help_text="how credit was split")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ImprovementQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["baseline", "model"], name="improvement_one_per_head"),
            models.CheckConstraint(
                condition=models.Q(delta_ppm__gt=0), name="improvement_is_a_gain"
            ),
            models.CheckConstraint(
                condition=models.Q(payable_ppm__lte=models.F("delta_ppm")),
                name="improvement_pays_at_most_its_gain",
            ),
        )

    def __str__(self) -> str:
        return f"{self.candidate} over v{self.baseline.number}"

    @property
    def project(self) -> Project:
        return self.model.project


class Share(models.Model):
    """What part of an improvement one contribution is credited with."""

    improvement = models.ForeignKey(Improvement, on_delete=models.PROTECT, related_name="shares")
    contribution = models.ForeignKey(Contribution, on_delete=models.PROTECT, related_name="shares")
    contributor = models.ForeignKey(
        Contributor, on_delete=models.PROTECT, null=True, related_name="shares"
    )
    basis_points = models.PositiveIntegerField(help_text="of 10,000")
    value_ppm = models.IntegerField(null=True, help_text="the person's part of the gain")
    low_ppm = models.IntegerField(null=True, help_text="its lower bound")
    high_ppm = models.IntegerField(null=True, help_text="its upper bound")

    objects = OfImprovementQuerySet.as_manager()

    class Meta:
        ordering = ("improvement_id", "-basis_points")
        constraints = (
            models.UniqueConstraint(fields=["improvement", "contribution"], name="share_once"),
            models.CheckConstraint(
                condition=models.Q(basis_points__lte=10_000), name="share_at_most_all"
            ),
        )

    def __str__(self) -> str:
        return f"{self.basis_points / 100:.2f} % of {self.improvement}"


class Attribution(models.Model):
    """How an improvement was split: who was in it, what each was worth, by which method.

    One decides the shares of its improvement; others beside it tell what another method says.
    """

    public_id = public_id_field("atr")
    improvement = models.OneToOneField(
        Improvement, on_delete=models.PROTECT, null=True, related_name="attribution"
    )
    alternative_to = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="alternatives",
        help_text="the attribution that decides; this one is indicative",
    )
    method = models.CharField(max_length=40)
    status = models.CharField(
        max_length=10,
        choices=AttributionStatus,
        default=AttributionStatus.PENDING,
        editable=False,
    )
    explanation = models.TextField(blank=True, editable=False)
    players = models.JSONField(
        default=list, help_text="contributor, contributions and new rows of each person, in order"
    )
    values = models.JSONField(default=list, help_text="value, bounds and share of each person")
    evaluations = models.PositiveIntegerField(default=0, help_text="coalitions that were trained")
    error_bound_ppm = models.PositiveIntegerField(
        default=0, help_text="how far sampled values may lie from the exact ones; 0: exact"
    )
    report_digest = models.CharField(max_length=DIGEST, blank=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = AttributionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", AttributionStatus, "attribution_status_known"),
            models.CheckConstraint(
                condition=models.Q(improvement=None) ^ models.Q(alternative_to=None),
                name="attribution_decides_or_stands_beside",
            ),
            models.UniqueConstraint(
                fields=["alternative_to", "method"], name="attribution_alternative_once"
            ),
        )

    def __str__(self) -> str:
        return f"attribution of {self.credited}"

    @property
    def credited(self) -> Improvement:
        """The improvement that it speaks of."""
        if self.alternative_to is not None:
            return self.alternative_to.credited
        if self.improvement is None:
            raise ValueError("An attribution speaks of an improvement.")
        return self.improvement

    @property
    def project(self) -> Project:
        return self.credited.project

    def move_to(self, target: AttributionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(AttributionStatus(self.status), target, "attribution")


class CoalitionBatch(models.Model):
    """Some coalitions of an attribution that one worker trains and evaluates together."""

    public_id = public_id_field("cob")
    attribution = models.ForeignKey(Attribution, on_delete=models.PROTECT, related_name="batches")
    number = models.PositiveIntegerField(help_text="from 0, within the attribution")
    masks = models.JSONField(help_text="coalitions as bit masks over the players, in order")
    outcomes_digest = models.CharField(
        max_length=DIGEST, blank=True, editable=False, help_text="their outcomes per row"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "coalition batches"
        ordering = ("attribution", "number")
        constraints = (
            models.UniqueConstraint(fields=["attribution", "number"], name="coalition_batch_once"),
        )

    def __str__(self) -> str:
        return f"coalitions {self.number} of {self.attribution}"
