from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contributions.choices import AttestationStatus, ContributionStatus, Licence
from contributions.querysets import (
    ContributionQuerySet,
    ImprovementQuerySet,
    OfImprovementQuerySet,
)
from experiments.models import PPM, Comparison
from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field
from hokusai.core.models import Job
from hokusai.core.states import moved
from registry.models import DatasetVersion, Model, ModelVersion


class Contributor(models.Model):
    """A person who gives data; counts once, whatever the number of wallets."""

    public_id = public_id_field("cbr")
    name = models.CharField(max_length=200, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contributor",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name or self.public_id


class Wallet(models.Model):
    """An Ethereum address to which credit is written."""

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="wallets")
    address = models.CharField(max_length=42, unique=True, help_text="EIP-55")
    verified_at = models.DateTimeField(
        null=True, editable=False, help_text="when ownership was proven by a signature"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.address


class Contribution(models.Model):
    """One dataset version that a person gave under a licence."""

    public_id = public_id_field("ctr")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="contributions")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="contributions")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="contributions")
    dataset_version = models.OneToOneField(
        DatasetVersion, on_delete=models.PROTECT, related_name="contribution"
    )
    licence = models.CharField(max_length=20, choices=Licence)
    note = models.TextField(blank=True)
    status = models.CharField(
        max_length=10,
        choices=ContributionStatus,
        default=ContributionStatus.RECEIVED,
        editable=False,
    )
    reasons = models.JSONField(default=list, editable=False, help_text="code and message of each")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="contributions"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ContributionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", ContributionStatus, "contribution_status_known"),
            known_values("licence", Licence, "contribution_licence_known"),
        )

    def __str__(self) -> str:
        return f"{self.dataset_version} from {self.wallet}"

    def move_to(self, target: ContributionStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(ContributionStatus(self.status), target, "contribution")


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
    basis_points = models.PositiveIntegerField(help_text="of 10,000")

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


class Attestation(models.Model):
    """A signed statement that an improvement was measured; its id is the statement's digest."""

    statement_id = models.CharField(
        max_length=64, blank=True, editable=False, help_text="sha256 of the statement"
    )
    improvement = models.OneToOneField(
        Improvement, on_delete=models.PROTECT, related_name="attestation"
    )
    status = models.CharField(
        max_length=10,
        choices=AttestationStatus,
        default=AttestationStatus.PENDING,
        editable=False,
    )
    statement = models.TextField(blank=True, editable=False, help_text="RFC 8785 text")
    envelope = models.JSONField(default=dict, editable=False, help_text="DSSE")
    key_id = models.CharField(max_length=64, blank=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)

    objects = OfImprovementQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", AttestationStatus, "attestation_status_known"),
            models.UniqueConstraint(
                fields=["statement_id"],
                condition=~models.Q(statement_id=""),
                name="attestation_statement_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status="pending") | ~models.Q(statement_id=""),
                name="attestation_signed_has_statement",
            ),
        )

    def __str__(self) -> str:
        return self.statement_id or f"pending for {self.improvement}"

    @property
    def project(self) -> Project:
        return self.improvement.project


class SigningKey(models.Model):
    """A public key whose signatures the platform vouches for; never deleted."""

    key_id = models.CharField(max_length=64, unique=True, help_text="sha256 of the public key")
    algorithm = models.CharField(max_length=20, default="ed25519")
    public_pem = models.TextField()
    purpose = models.CharField(max_length=20, default="attestation")
    valid_from = models.DateTimeField(db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.key_id[:16]
