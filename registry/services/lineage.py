from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from hokusai.accounts.models import Project
from registry.choices import EdgeKind, NodeKind
from registry.models import LineageEdge, LineageNode


@dataclass(frozen=True, slots=True)
class NodeRef:
    """Anything with a public id that has a place in the lineage; `project` None is global."""

    public_id: str
    kind: NodeKind
    label: str
    project: Project | None
    model_id: int | None = None


@transaction.atomic
def link_lineage(
    *,
    src: NodeRef,
    dst: NodeRef,
    kind: EdgeKind,
    attributes: Mapping[str, Any] | None = None,
) -> LineageEdge:
    """State that `dst` came from `src`; stating it twice is the same as once."""
    edge, _ = LineageEdge.objects.update_or_create(
        src=_node(src), dst=_node(dst), kind=kind, defaults={"attributes": dict(attributes or {})}
    )
    return edge


def _node(ref: NodeRef) -> LineageNode:
    node, _ = LineageNode.objects.get_or_create(
        public_id=ref.public_id,
        defaults={
            "kind": ref.kind,
            "label": ref.label[:200],
            "project": ref.project,
            "model_id": ref.model_id,
        },
    )
    return node
