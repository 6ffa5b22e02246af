import re
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import orjson
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.fields import public_id_field
from hokusai.core.models import Job

FAILED = 400
PUBLIC_PREFIX = "prd"
# Keys begin with the second of the request, so that one key names the day where it is found.
KEYS_PER_SECOND = 100_000_000
MAX_KEY = 10**18
HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


class PredictionQuerySet(ScopedQuerySet):
    project_path = "project"

    def failed(self) -> Self:
        """Those that were answered with an error."""
        return self.filter(status__gte=FAILED)

    def of_public_id(self, public_id: str) -> Self:
        """The row of a public id, looked for in its day alone; nothing for what is no such id."""
        prefix, _, digits = public_id.partition("_")
        if prefix != PUBLIC_PREFIX or not HEXADECIMAL.fullmatch(digits):
            return self.none()
        return self.of_key(int(digits, 16))

    def of_key(self, key: int) -> Self:
        """The row of a key, looked for in its day alone."""
        if not 0 <= key < MAX_KEY:
            return self.none()
        begin = datetime.fromtimestamp(key // KEYS_PER_SECOND, UTC)
        return self.filter(pk=key, at__gte=begin, at__lt=begin + timedelta(seconds=1))


class ExportQuerySet(ScopedQuerySet):
    project_path = "deployment__model__project"


class StoredJson(models.JSONField):
    """JSON in a column of text, read as requests are read."""

    def db_type(self, connection: Any) -> str:
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else orjson.dumps(value).decode()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else orjson.loads(value)


class PredictionLog(models.Model):
    """One answered or refused prediction; the table has a partition per day and is never changed.

    Rows are written by `deployments.prediction_log`, in bulk, and leave with their day.
    """

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(help_text="when the request came")
    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    deployment = models.ForeignKey(
        "deployments.Deployment", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    revision = models.ForeignKey(
        "deployments.Revision", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    request_id = models.TextField()
    key_id = models.TextField(help_text="public id of the key or person that asked")
    status = models.SmallIntegerField(help_text="of the HTTP answer")
    code = models.TextField(help_text="of the error; empty for an answer")
    rows = models.IntegerField()
    total_ms = models.FloatField()
    model_ms = models.FloatField()
    cached = models.BooleanField()
    weight = models.FloatField(help_text="for how many predictions this row stands")
    content_type = models.TextField()
    input_bytes = models.IntegerField()
    output_bytes = models.IntegerField()
    input_digest = models.TextField(help_text="keyed: the same for the same body, here alone")
    redacted = ArrayField(
        models.TextField(), null=True, help_text="columns whose values were taken out"
    )
    input = StoredJson(null=True)
    output = StoredJson(null=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "deployments_predictionlog"
        ordering = ("-id",)
        verbose_name = "prediction"

    def __str__(self) -> str:
        return self.request_id

    @property
    def public_id(self) -> str:
        return f"{PUBLIC_PREFIX}_{self.pk:032x}"

    @property
    def is_failed(self) -> bool:
        return self.status >= FAILED


class PredictionExport(models.Model):
    """Logged predictions of one deployment, written as CloudEvents to a file."""

    public_id = public_id_field("pex")
    deployment = models.ForeignKey(
        "deployments.Deployment", on_delete=models.PROTECT, related_name="exports"
    )
    since = models.DateTimeField(help_text="of the first prediction")
    until = models.DateTimeField(help_text="all before this moment")
    digest = models.CharField(max_length=64, blank=True, editable=False)
    size_bytes = models.BigIntegerField(null=True, editable=False)
    events = models.PositiveIntegerField(null=True, editable=False, help_text="lines of the file")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("since")), name="export_ends_after_it_begins"
            ),
        )

    def __str__(self) -> str:
        return f"{self.deployment} from {self.since:%Y-%m-%d %H:%M}"

    @property
    def project(self) -> Project:
        return self.deployment.project
