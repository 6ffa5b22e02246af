"""The lineage of a thing, drawn."""

from collections.abc import Sequence
from typing import Any, Protocol

from django.urls import reverse

from hokusai.web.panels import Panel, chart

# Runs live in the tracking server alone.
RUN = "run"


class Drawable(Protocol):
    """What `registry.reports.lineage_around` gives."""

    @property
    def nodes(self) -> Sequence[Any]: ...
    @property
    def edges(self) -> Sequence[Any]: ...
    @property
    def truncated(self) -> bool: ...


def lineage_panel(graph: Drawable, focus: str) -> Panel:
    """A graph as a panel; `focus` is the public id of what the page is about."""
    names = {node.public_id: node.label for node in graph.nodes}
    hint = "What it was made from, left, and what came of it, right. Each box leads to its page."
    if graph.truncated:
        hint = f"The first {len(graph.nodes)} points; the API gives all of them."
    return chart(
        "Lineage",
        "lineage",
        {
            "focus": focus,
            "nodes": [_node(node) for node in graph.nodes],
            "edges": [{"src": e.src, "dst": e.dst, "kind": e.kind} for e in graph.edges],
        },
        key="lineage",
        empty="" if graph.edges else "Nothing led here yet, and nothing came from it.",
        headers=("From", "Relation", "To"),
        rows=[
            (names.get(e.src, e.src), e.kind.replace("_", " "), names.get(e.dst, e.dst))
            for e in graph.edges
        ],
        hint=hint,
    )


def _node(node: Any) -> dict[str, Any]:
    has_page = not node.hidden and node.kind != RUN
    return {
        "id": node.public_id,
        "kind": node.kind,
        "label": node.label,
        "hidden": node.hidden,
        "href": reverse("admin:find", args=[node.public_id]) if has_page else "",
    }
