from django.db import models
from django.db.models.functions import Now

from hokusai.core.fields import DIGEST, known_values, public_id_field
from hokusai.transparency.choices import RecordKind


class LogRecord(models.Model):
    """What is to be a leaf: written with the change it tells of, never changed.

    The statement stays here; the leaf holds its digest alone.
    """

    public_id = public_id_field("rec")
    kind = models.CharField(max_length=12, choices=RecordKind)
    subject = models.CharField(max_length=80, help_text="public id of what it speaks of")
    statement = models.TextField(help_text="RFC 8785 text")
    digest = models.CharField(max_length=DIGEST, help_text="sha256 of the statement")
    key_id = models.CharField(max_length=DIGEST, blank=True, help_text="key that signed it")
    previous = models.CharField(
        max_length=DIGEST, blank=True, help_text="digest of the statement it follows"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("kind", RecordKind, "log_record_kind_known"),)
        indexes = (
            models.Index(fields=["subject", "kind"], name="log_record_by_subject"),
            models.Index(fields=["digest"], name="log_record_by_digest"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.subject}"


class LogLeaf(models.Model):
    """The place of a record in the tree, from 0 without gaps; given once, by the sequencer."""

    index = models.BigIntegerField(primary_key=True)
    record = models.OneToOneField(LogRecord, on_delete=models.PROTECT, related_name="leaf")
    leaf_hash = models.BinaryField(max_length=32)
    sequenced_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "log leaves"
        ordering = ("-index",)

    def __str__(self) -> str:
        return f"leaf {self.index}"


class LogNode(models.Model):
    """The hash of a perfect subtree: leaves index * 2^level to (index + 1) * 2^level."""

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("level", "index")
        constraints = (models.UniqueConstraint(fields=["level", "index"], name="log_node_once"),)

    def __str__(self) -> str:
        return f"node {self.level}:{self.index}"


class EventBatch(models.Model):
    """Committed events in one chain: each batch names the digest of the one before it."""

    number = models.BigIntegerField(primary_key=True, help_text="from 1, without gaps")
    record = models.OneToOneField(LogRecord, on_delete=models.PROTECT, related_name="events")
    count = models.PositiveIntegerField()
    root = models.CharField(max_length=DIGEST, help_text="RFC 6962 root of the events' digests")
    digest = models.CharField(max_length=DIGEST, help_text="sha256 of previous, number and root")
    sealed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "event batches"
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"events {self.number}"


class Checkpoint(models.Model):
    """A size and a root of the log, signed; whoever keeps one can show that history changed."""

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=DIGEST)
    note = models.TextField(help_text="C2SP checkpoint with the log's own signature")
    key_id = models.CharField(max_length=DIGEST)
    signed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-size",)

    def __str__(self) -> str:
        return f"checkpoint of {self.size} leaves"


class Cosignature(models.Model):
    """A witness saw this checkpoint follow from the last one it saw."""

    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="cosignatures"
    )
    witness = models.CharField(max_length=200, help_text="name of the witness' key")
    line = models.TextField(help_text="its line of the signed note")
    seen_at = models.DateTimeField(help_text="the witness' own clock")

    class Meta:
        ordering = ("checkpoint", "witness")
        constraints = (
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="cosignature_once"),
        )

    def __str__(self) -> str:
        return f"{self.witness} on {self.checkpoint}"
