import secrets
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, public_id_field

FORM_AND_DIGEST = 80
SALT_BYTES = 16


def new_salt() -> bytes:
    """What keeps the commitment to who asked from being guessed."""
    return secrets.token_bytes(SALT_BYTES)


class ReceiptQuerySet(ScopedQuerySet):
    def unsigned(self) -> "ReceiptQuerySet":
        """Those that the signer has not come to yet; the oldest first."""
        return self.filter(signed_at=None).order_by("pk")


class PredictionReceipt(models.Model):
    """What one prediction was computed from and by, for the signer to sign; never deleted."""

    public_id = public_id_field("rcp")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=48, help_text="public id")
    revision = models.CharField(max_length=48, help_text="public id")
    model_id = models.CharField(max_length=127, help_text="project.model")
    version = models.PositiveIntegerField(help_text="the version's number")
    digest = models.CharField(max_length=DIGEST, help_text="tree digest of the version's bytes")
    converted_digest = models.CharField(
        max_length=DIGEST, blank=True, help_text="tree digest of the ONNX that ran in their place"
    )
    isolation = models.CharField(
        max_length=8, blank=True, help_text="tier in force when it was computed"
    )
    request_id = models.CharField(max_length=64)
    principal = models.CharField(
        max_length=80, help_text="public id of who asked; the statement only commits to it"
    )
    salt = models.BinaryField(max_length=16, default=new_salt, help_text="of the commitment")
    input_digest = models.CharField(max_length=FORM_AND_DIGEST, help_text="form:sha256")
    output_digest = models.CharField(max_length=FORM_AND_DIGEST, help_text="form:sha256")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    envelope: Any = models.JSONField(null=True, editable=False, help_text="DSSE, once signed")
    key_id = models.CharField(max_length=DIGEST, blank=True, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(signed_at=None, envelope__isnull=True, key_id="")
                | Q(signed_at__isnull=False, envelope__isnull=False) & ~Q(key_id=""),
                name="receipt_signed_with_envelope",
            ),
        )
        indexes = (
            models.Index(fields=["project", "-id"], name="receipt_by_project"),
            models.Index(fields=["id"], condition=Q(signed_at=None), name="receipt_unsigned"),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def status(self) -> str:
        """`pending` until the signer came to it, then `signed`."""
        return "signed" if self.signed_at else "pending"
