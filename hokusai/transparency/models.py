from django.db import models
from django.db.models.functions import Now

from hokusai.core.fields import DIGEST, CurrentTransaction, known_values, public_id_field
from hokusai.core.models import Event
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
    xact = models.BigIntegerField(
        db_default=CurrentTransaction(), editable=False, help_text="transaction that wrote it"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (known_values("kind", RecordKind, "log_record_kind_known"),)
        indexes = (
            models.Index(fields=["subject", "kind"], name="log_record_by_subject"),
            models.Index(fields=["digest"], name="log_record_by_digest"),
            models.Index(fields=["xact", "id"], name="log_record_by_xact"),
            models.Index(fields=["kind", "-id"], name="log_record_by_kind"),
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
    root = models.CharField(max_length=DIGEST, help_text="RFC 6962 root of the sealed events")
    digest = models.CharField(max_length=DIGEST, help_text="sha256 of the record's statement")
    sealed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "event batches"
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"events {self.number}"


class SealedEvent(models.Model):
    """The place of an event in the chain of batches; an event without one waits to be sealed."""

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, related_name="seal"
    )
    batch = models.ForeignKey(EventBatch, on_delete=models.PROTECT, related_name="seals")
    position = models.PositiveIntegerField(help_text="from 0, within the batch")

    class Meta:
        ordering = ("batch_id", "position")
        constraints = (
            models.UniqueConstraint(fields=["batch", "position"], name="sealed_event_in_order"),
        )

    def __str__(self) -> str:
        return f"event {self.event_id} in {self.batch_id}:{self.position}"


class SequencerHint(models.Model):
    """From where the sequencer searches; without it, or in another cluster, it searches all.

    Not history: what is sequenced and sealed is told by leaves and seals alone.
    """

    system = models.BigIntegerField(help_text="identifier of the database cluster")
    records_from = models.BigIntegerField(help_text="below this transaction all have leaves")
    events_from = models.BigIntegerField(help_text="below this transaction all are sealed")

    def __str__(self) -> str:
        return f"records from {self.records_from}, events from {self.events_from}"


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
        ordering = ("checkpoint_id", "witness")
        constraints = (
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="cosignature_once"),
        )
        indexes = (models.Index(fields=["witness", "-checkpoint"], name="cosignature_by_witness"),)

    def __str__(self) -> str:
        return f"{self.witness} on {self.checkpoint}"


class Trouble(models.Model):
    """What the log's own work stumbles over now; gone once it works again. Not history."""

    source = models.CharField(max_length=220, primary_key=True, help_text="which work")
    message = models.TextField()
    since = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("source",)

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"
