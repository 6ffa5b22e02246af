from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contributions.choices import AttestationStatus
from contributions.models.improvements import Improvement
from contributions.querysets import OfAttestationQuerySet, OfImprovementQuerySet
from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.models import Job
from hokusai.transparency.models import LogRecord


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
    eip712 = models.JSONField(default=dict, editable=False, help_text="typed data and signature")
    log_record = models.OneToOneField(
        LogRecord, on_delete=models.PROTECT, null=True, related_name="attestation"
    )
    issued_at = models.DateTimeField(
        null=True, editable=False, help_text="when its statement was made, by the signer's clock"
    )
    expires_at = models.DateTimeField(null=True, editable=False)
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


class AttestationSignature(models.Model):
    """One signer's signature under a statement; a project may ask for several."""

    attestation = models.ForeignKey(
        Attestation, on_delete=models.PROTECT, related_name="signatures"
    )
    key_id = models.CharField(max_length=DIGEST)
    signature = models.TextField(help_text="base64, as in the envelope")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfAttestationQuerySet.as_manager()

    class Meta:
        ordering = ("attestation", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["attestation", "key_id"], name="attestation_signed_once_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key_id[:16]} under {self.attestation}"


class SigningPolicy(models.Model):
    """How many of which signers a project's attestations need."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="signing_policy")
    required = models.PositiveSmallIntegerField(default=1)
    key_ids = models.JSONField(default=list, help_text="keys that count")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "signing policies"
        ordering = ("project",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(required__gte=1), name="signing_policy_asks_for_one"
            ),
        )

    def __str__(self) -> str:
        return f"{self.required} of {len(self.key_ids)} for {self.project}"


class Revocation(models.Model):
    """A signed statement that an attestation no longer stands; never taken back."""

    public_id = public_id_field("rvk")
    attestation = models.OneToOneField(
        Attestation, on_delete=models.PROTECT, related_name="revocation"
    )
    reason = models.TextField()
    statement = models.TextField(blank=True, editable=False, help_text="RFC 8785 text")
    envelope = models.JSONField(default=dict, editable=False, help_text="DSSE")
    log_record = models.OneToOneField(
        LogRecord, on_delete=models.PROTECT, null=True, related_name="revocation"
    )
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)

    objects = OfAttestationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"revocation of {self.attestation}"

    @property
    def project(self) -> Project:
        return self.attestation.project


class StatusList(models.Model):
    """Which attestations stood at one moment; its statement's digest is a leaf of the log."""

    number = models.BigIntegerField(primary_key=True, help_text="from 1, without gaps")
    statement = models.TextField(help_text="RFC 8785 text: number, root and size")
    entries = models.JSONField(help_text="attestation and status of each, in order")
    log_record = models.OneToOneField(
        LogRecord, on_delete=models.PROTECT, related_name="status_list"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"status list {self.number}"
