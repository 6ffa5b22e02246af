from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import known_values, public_id_field
from hokusai.core.states import moved
from registry.choices import PromotionStatus, Stage, StageReason
from registry.models.versions import Model, ModelVersion
from registry.querysets import OfVersionQuerySet, PromotionQuerySet


class Promotion(models.Model):
    """A request to move a version to a stage, its checks and its decision."""

    public_id = public_id_field("prm")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    target = models.CharField(max_length=12, choices=Stage)
    status = models.CharField(
        max_length=10,
        choices=PromotionStatus,
        default=PromotionStatus.REQUESTED,
        editable=False,
    )
    comment = models.TextField(blank=True, help_text="why")
    evidence = models.TextField(blank=True, help_text="links and figures that speak for it")
    approvals_needed = models.PositiveSmallIntegerField(
        default=1, editable=False, help_text="by the policy when it was asked for"
    )
    expires_at = models.DateTimeField(null=True, editable=False, help_text="undecided until then")
    checks = models.JSONField(default=list, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decision_comment = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", PromotionStatus, "promotion_status_known"),
            known_values("target", Stage, "promotion_target_known"),
            models.UniqueConstraint(
                fields=["version", "target"],
                condition=models.Q(status="requested"),
                name="promotion_one_open",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="approved")
                | ~models.Q(decided_by=models.F("requested_by")),
                name="promotion_by_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} to {self.target}"

    @property
    def project(self) -> Project:
        return self.version.project

    def move_to(self, target: PromotionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(PromotionStatus(self.status), target, "promotion")


class PromotionApproval(models.Model):
    """One person's yes to a promotion."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    role = models.CharField(max_length=12, help_text="the approver's role at that time")
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["promotion", "approver"], name="approval_once"),
        )

    def __str__(self) -> str:
        return f"{self.approver} for {self.promotion}"


class PromotionPolicy(models.Model):
    """What a project asks before a version enters a stage; where absent, the defaults."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="policies")
    stage = models.CharField(max_length=12, choices=Stage)
    blocking = models.JSONField(default=list, help_text="codes of the checks that must pass")
    approvals = models.PositiveSmallIntegerField(default=1, help_text="how many persons")
    roles = models.JSONField(default=list, help_text="roles that may approve")
    expires_after_h = models.PositiveIntegerField(
        null=True, help_text="hours until an undecided request ends; null: never"
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "promotion policies"
        ordering = ("project_id", "stage")
        constraints = (
            known_values("stage", Stage, "policy_stage_known"),
            models.UniqueConstraint(fields=["project", "stage"], name="policy_once_per_stage"),
            models.CheckConstraint(
                condition=models.Q(approvals__gte=1), name="policy_asks_somebody"
            ),
        )

    def __str__(self) -> str:
        return f"{self.project}: {self.stage}"


class StageChange(models.Model):
    """A version entered a stage; inserted only, so that the past can be asked for."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="stage_changes")
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="stage_changes"
    )
    before = models.CharField(max_length=12, choices=Stage)
    after = models.CharField(max_length=12, choices=Stage)
    reason = models.CharField(max_length=12, choices=StageReason)
    promotion = models.ForeignKey(
        Promotion, on_delete=models.PROTECT, null=True, related_name="stage_changes"
    )
    actor = models.CharField(max_length=80, help_text="kind:id of who did it")
    actor_label = models.CharField(max_length=200, blank=True)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("after", Stage, "stage_change_after_known"),
            known_values("reason", StageReason, "stage_change_reason_known"),
        )
        indexes = (
            models.Index(fields=["model", "created_at"], name="stage_change_by_time"),
            models.Index(fields=["version", "-id"], name="stage_change_of_version"),
        )

    def __str__(self) -> str:
        return f"{self.version} to {self.after}"
