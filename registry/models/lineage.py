from django.db import models

from hokusai.accounts.models import Project
from hokusai.core.fields import known_values
from registry.choices import EdgeKind, NodeKind
from registry.models.versions import Model


class LineageNode(models.Model):
    """A point of the lineage graph: something with a public id, in a project or global."""

    public_id = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=NodeKind)
    label = models.CharField(max_length=200)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    model = models.ForeignKey(
        Model,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="of a version: whoever it is shared with sees the point",
    )

    class Meta:
        ordering = ("id",)
        constraints = (known_values("kind", NodeKind, "lineage_node_kind_known"),)

    def __str__(self) -> str:
        return self.label


class LineageEdge(models.Model):
    """The second point came from the first."""

    src = models.ForeignKey(LineageNode, on_delete=models.PROTECT, related_name="outgoing")
    dst = models.ForeignKey(LineageNode, on_delete=models.PROTECT, related_name="incoming")
    kind = models.CharField(max_length=12, choices=EdgeKind)
    attributes = models.JSONField(default=dict, help_text="what is shown on the edge")

    class Meta:
        ordering = ("id",)
        constraints = (
            known_values("kind", EdgeKind, "lineage_edge_kind_known"),
            models.UniqueConstraint(fields=["src", "dst", "kind"], name="lineage_edge_once"),
        )
        indexes = (models.Index(fields=["dst", "src"], name="lineage_backwards"),)

    def __str__(self) -> str:
        return f"{self.src} {self.kind} {self.dst}"
