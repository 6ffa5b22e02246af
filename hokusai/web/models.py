from django.db import models
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The answer to a keyed request, so that its repeat changes nothing."""

    principal = models.CharField(max_length=80)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="null while in flight")
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["principal", "route", "key"], name="idempotency_key_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
