from django.db import models
from django.db.models.functions import Now

from hokusai.core.choices import WorkStatus
from hokusai.core.fields import CurrentTransaction, known_values, public_id_field
from hokusai.core.querysets import EventQuerySet, WorkQuerySet
from hokusai.core.states import moved


class Event(models.Model):
    """Who did what to what, with the state before and after; inserted only, never changed."""

    public_id = public_id_field("evt")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    tag = models.CharField(max_length=80, help_text="subject:action")
    actor = models.CharField(max_length=80, help_text="kind:id of who did it")
    actor_label = models.CharField(max_length=200, blank=True)
    project_id = models.BigIntegerField(null=True, help_text="null for platform events")
    subject = models.CharField(max_length=80, help_text="public id of what it happened to")
    subject_label = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, help_text="sha256 of the canonical content")
    xact = models.BigIntegerField(
        db_default=CurrentTransaction(), editable=False, help_text="transaction that recorded it"
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["project_id", "-id"], name="event_by_project"),
            models.Index(fields=["subject", "-id"], name="event_by_subject"),
            models.Index(fields=["tag", "-id"], name="event_by_tag"),
            models.Index(fields=["xact", "id"], name="event_by_xact"),
        )

    def __str__(self) -> str:
        return f"{self.tag} {self.subject_label or self.subject}"


class LeasedWork(models.Model):
    """A row that is the work: claimed for a time, fenced by a token, found again when lost."""

    status = models.CharField(
        max_length=10, choices=WorkStatus, default=WorkStatus.QUEUED, editable=False
    )
    attempt = models.PositiveIntegerField(default=0, editable=False)
    token = models.BigIntegerField(
        default=0, editable=False, help_text="grows with each claim; a stale worker's is refused"
    )
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    run_after = models.DateTimeField(db_default=Now(), editable=False)
    last_error = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True

    def move_to(self, target: WorkStatus) -> None:
        """Set the status without saving. Raises InvalidTransition when not allowed."""
        self.status = moved(WorkStatus(self.status), target, "job")


class Job(LeasedWork):
    """One piece of long work on one subject; what the page of jobs shows."""

    public_id = public_id_field("job")
    kind = models.CharField(max_length=40, help_text="a key of the setting JOBS")
    subject = models.CharField(max_length=80, help_text="public id of what is worked on")
    subject_label = models.CharField(max_length=200, blank=True)
    project_id = models.BigIntegerField(null=True, db_index=True)
    progress = models.PositiveSmallIntegerField(default=0, editable=False, help_text="percent")
    log = models.TextField(blank=True, editable=False, help_text="the last lines")
    cancel_requested = models.BooleanField(default=False, editable=False)
    request_id = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("status", WorkStatus, "job_status_known"),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(status__in=["queued", "running"]),
                name="job_one_open_per_subject",
            ),
        )
        indexes = (
            models.Index(
                fields=["run_after"],
                condition=models.Q(status__in=["queued", "running"]),
                name="job_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_label or self.subject}"


class Delivery(LeasedWork):
    """One event on its way to one subscriber; in order within its stream, at least once."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    subscriber = models.CharField(max_length=120, help_text="dotted path of the subscriber")
    stream = models.CharField(max_length=200, help_text="subscriber and subject")
    sequence = models.BigIntegerField(help_text="from 1, without gaps, within the stream")

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        constraints = (
            known_values("status", WorkStatus, "delivery_status_known"),
            models.UniqueConstraint(fields=["stream", "sequence"], name="delivery_in_order"),
            models.UniqueConstraint(fields=["event", "subscriber"], name="delivery_once_per_event"),
        )
        indexes = (
            models.Index(
                fields=["stream", "sequence"],
                condition=~models.Q(status="succeeded"),
                name="delivery_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} to {self.subscriber}"

    @property
    def operation_id(self) -> str:
        """Stamps what the subscriber makes outside, so that a repeat finds it."""
        return f"{self.event.public_id}"
