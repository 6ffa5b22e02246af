from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.core.states import moved
from registry.choices import ConversionVerdict, ScanVerdict, UploadState
from registry.models.versions import ModelVersion
from registry.querysets import OfVersionQuerySet


class Upload(models.Model):
    """Files on their way into the content store; their bytes pass no web process."""

    public_id = public_id_field("upl")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="uploads")
    state = models.CharField(
        max_length=10, choices=UploadState, default=UploadState.OPEN, editable=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField(help_text="until when its parts are taken")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("state", UploadState, "upload_state_known"),)

    def __str__(self) -> str:
        return self.public_id

    def move_to(self, target: UploadState) -> None:
        """Set the state without saving. Raises InvalidTransition when not allowed."""
        self.state = moved(UploadState(self.state), target, "upload")


class UploadFile(models.Model):
    """One file of an upload: what its sender says of it, and where its parts go."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500, help_text="inside the artifact")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=DIGEST, help_text="as the sender states it")
    part_bytes = models.BigIntegerField(help_text="size of every part but the last")
    storage_key = models.CharField(max_length=200, editable=False)
    storage_upload = models.CharField(max_length=500, blank=True, editable=False)
    completed = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["upload", "path"], name="upload_file_once"),)

    def __str__(self) -> str:
        return self.path


class ArtifactScan(models.Model):
    """What was found in the files of a version; it informs, isolation protects."""

    version = models.OneToOneField(ModelVersion, on_delete=models.PROTECT, related_name="scan")
    verdict = models.CharField(max_length=10, choices=ScanVerdict)
    findings = models.JSONField(default=list, help_text="path, kind, severity, detail of each")
    scanners = models.JSONField(default=dict, help_text="version of each scanner")
    scanned_at = models.DateTimeField(db_default=Now(), editable=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, editable=False)
    review_comment = models.TextField(blank=True)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("verdict", ScanVerdict, "scan_verdict_known"),)

    def __str__(self) -> str:
        return f"scan of {self.version}"


class OnnxConversion(models.Model):
    """The same version as ONNX; what serves only where it answers the same."""

    version = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, related_name="conversion"
    )
    verdict = models.CharField(max_length=10, choices=ConversionVerdict)
    reason = models.TextField(blank=True, help_text="why it is not used")
    tree_digest = models.CharField(
        max_length=DIGEST, blank=True, help_text="of the files made; empty where there are none"
    )
    rows = models.PositiveIntegerField(default=0, help_text="on which both were asked")
    max_difference = models.FloatField(
        null=True, help_text="largest among their answers, relative where above 1"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("verdict", ConversionVerdict, "conversion_verdict_known"),
            models.CheckConstraint(
                condition=~models.Q(verdict=ConversionVerdict.EXACT) | ~models.Q(tree_digest=""),
                name="conversion_exact_has_files",
            ),
        )

    def __str__(self) -> str:
        return f"ONNX of {self.version}"


class ArtifactSignature(models.Model):
    """A signature over all files of a version (OpenSSF model signing)."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="signatures")
    signer = models.CharField(max_length=100, help_text="the platform, or a trusted key's name")
    key_id = models.CharField(max_length=DIGEST, help_text="sha256 of the public key")
    tree_digest = models.CharField(max_length=DIGEST)
    bundle = models.TextField(help_text="the signature file, as it lies beside the model")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["version", "signer"], name="version_signed_once"),
        )

    def __str__(self) -> str:
        return f"{self.signer} on {self.version}"
