from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.fields import known_values, public_id_field
from registry.choices import ShareRight
from registry.models.versions import Model
from registry.querysets import OfModelQuerySet


class ModelShare(models.Model):
    """A model that its project lets another one use, or all where `project` is null."""

    public_id = public_id_field("shr")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="shares")
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        null=True,
        related_name="shared_models",
        help_text="with whom; null: everybody who logged in",
    )
    right = models.CharField(max_length=6, choices=ShareRight, default=ShareRight.READ)
    shared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OfModelQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("right", ShareRight, "model_share_right_known"),
            models.UniqueConstraint(
                fields=["model", "project"], nulls_distinct=False, name="model_shared_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} with {self.project or 'everybody'}"
