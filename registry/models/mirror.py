"""What the tracking server holds, as it was last seen."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field
from hokusai.core.states import moved
from registry.choices import ConflictState, MirrorState, PassKind
from registry.models.versions import Model, ModelVersion
from registry.querysets import OfVersionQuerySet, TrackedExperimentQuerySet

OURS = "default"


class TrackedExperiment(models.Model):
    """An experiment of the tracking server; the project whose runs and versions it holds."""

    public_id = public_id_field("txp")
    server = models.CharField(max_length=200, default=OURS, help_text="alias of the setting")
    experiment_id = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    lifecycle = models.CharField(max_length=20, default="active")
    tags = models.JSONField(default=dict, help_text="hokusai.project names who may claim it")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, related_name="tracked_experiments"
    )
    mapped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(db_default=Now())

    objects = TrackedExperimentQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["server", "experiment_id"], name="tracked_experiment_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class TrackedModel(models.Model):
    """A registered model of the tracking server with its aliases."""

    server = models.CharField(max_length=200, default=OURS)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict)
    aliases = models.JSONField(default=dict, help_text="alias -> version")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["server", "name"], name="tracked_model_once"),
        )

    def __str__(self) -> str:
        return self.name


class TrackedVersion(models.Model):
    """A version of the tracking server; in the inbox until a project takes it."""

    public_id = public_id_field("tvr")
    server = models.CharField(max_length=200, default=OURS)
    name = models.CharField(max_length=255)
    number = models.PositiveIntegerField(help_text="as the tracking server counts")
    created_at = models.DateTimeField(help_text="there; numbers restart when a model is remade")
    updated_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=MirrorState, default=MirrorState.INBOX)
    version = models.OneToOneField(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="tracked"
    )
    experiment = models.ForeignKey(
        TrackedExperiment, on_delete=models.PROTECT, null=True, related_name="versions"
    )
    source = models.CharField(max_length=1000, blank=True)
    run_id = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict, help_text="of the run")
    parameters = models.JSONField(default=dict, help_text="of the run")
    snapshot = models.JSONField(default=dict, help_text="what both sides last agreed on")
    seen_in = models.BigIntegerField(default=0, help_text="the last complete sweep that saw it")
    missed = models.PositiveSmallIntegerField(default=0, help_text="complete sweeps since")
    missing_since = models.DateTimeField(null=True, help_text="absent there in two sweeps")

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("state", MirrorState, "tracked_version_state_known"),
            models.UniqueConstraint(
                fields=["server", "name", "number", "created_at"], name="tracked_version_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="linked") | models.Q(version__isnull=False),
                name="tracked_version_linked_to_one",
            ),
        )
        indexes = (
            models.Index(
                fields=["-id"], condition=models.Q(state="inbox"), name="tracked_version_inbox"
            ),
            models.Index(
                fields=["missing_since"],
                condition=models.Q(missing_since__isnull=False),
                name="tracked_version_missing",
            ),
            models.Index(
                fields=["run_id"], condition=~models.Q(run_id=""), name="tracked_version_run"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    def move_to(self, target: MirrorState) -> None:
        """Set the state without saving. Raises InvalidTransition when not allowed."""
        self.state = moved(MirrorState(self.state), target, "version")


class SyncConflict(models.Model):
    """One field of a version that was changed on both sides."""

    public_id = public_id_field("cfl")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="conflicts")
    field = models.CharField(max_length=120, help_text="description, tag:<key>, alias:<name>")
    values = models.JSONField(
        default=dict, help_text="base, ours, theirs; null where it was absent"
    )
    state = models.CharField(max_length=8, choices=ConflictState, default=ConflictState.OPEN)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("state", ConflictState, "sync_conflict_state_known"),
            models.UniqueConstraint(
                fields=["version", "field"],
                condition=models.Q(state="open"),
                name="sync_conflict_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.field} of {self.version}"

    def move_to(self, target: ConflictState) -> None:
        """Set the state without saving. Raises InvalidTransition when not allowed."""
        self.state = moved(ConflictState(self.state), target, "conflict")


class SyncPass(models.Model):
    """One look at the tracking server, and what it brought."""

    server = models.CharField(max_length=200, default=OURS)
    kind = models.CharField(max_length=12, choices=PassKind)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    complete = models.BooleanField(default=False, help_text="it saw everything that was there")
    watermark_ms = models.BigIntegerField(default=0, help_text="the newest change that it saw")
    report = models.JSONField(default=dict, help_text="counts of what was seen and changed")

    class Meta:
        verbose_name_plural = "sync passes"
        ordering = ("-id",)
        constraints = (known_values("kind", PassKind, "sync_pass_kind_known"),)
        indexes = (models.Index(fields=["server", "kind", "-id"], name="sync_pass_last"),)

    def __str__(self) -> str:
        return f"{self.kind} pass {self.pk}"


class WebhookReceipt(models.Model):
    """A delivery of the tracking server's that was heard; each id counts once."""

    delivery_id = models.CharField(max_length=100, unique=True)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.delivery_id


class TrackingImport(models.Model):
    """Taking over an existing tracking server; the job, its place and its report."""

    public_id = public_id_field("tim")
    server = models.CharField(max_length=200, help_text="alias of the setting TRACKING")
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="of what no mapped experiment claims; null: the inbox",
    )
    dry_run = models.BooleanField(default=True, help_text="report only, change nothing")
    place = models.JSONField(default=dict, editable=False, help_text="where to go on")
    report = models.JSONField(default=dict, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"import from {self.server}"


class TrackingIntake(models.Model):
    """Rows on their way in: copied here in bulk, taken from here within the same transaction."""

    batch = models.UUIDField()
    row = models.JSONField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"row {self.pk} of {self.batch}"
