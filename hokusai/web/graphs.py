"""The lineage of a thing, drawn."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.urls import reverse

from hokusai.web import markup
from hokusai.web.panels import Panel, chart

# Runs live in the tracking server alone.
RUN = "run"
BASIS_POINTS_PER_PERCENT = 100


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
            "edges": [_edge(edge) for edge in graph.edges],
        },
        key="lineage",
        empty="" if graph.edges else "Nothing led here yet, and nothing came from it.",
        headers=("From", "Relation", "To", "Stated"),
        rows=[
            (
                names.get(edge.src, edge.src),
                edge.kind.replace("_", " "),
                names.get(edge.dst, edge.dst),
                stated(edge.attributes) or markup.NOTHING,
            )
            for edge in graph.edges
        ],
        hint=hint,
    )


def stated(attributes: Mapping[str, Any]) -> str:
    """What an edge says of itself in a few words: credit, gain or revision; empty for nothing."""
    if "basis_points" in attributes:
        return f"{attributes['basis_points'] / BASIS_POINTS_PER_PERCENT:g} %"
    if "delta_ppm" in attributes:
        return markup.gain(attributes["delta_ppm"], attributes.get("metric", "accuracy"))
    if "revision" in attributes:
        return f"revision {attributes['revision']}"
    return str(attributes.get("status", ""))


def _edge(edge: Any) -> dict[str, str]:
    label = stated(edge.attributes)
    return {"src": edge.src, "dst": edge.dst, "kind": edge.kind, "label": label}


def _node(node: Any) -> dict[str, Any]:
    has_page = not node.hidden and node.kind != RUN
    return {
        "id": node.public_id,
        "kind": node.kind,
        "label": node.label,
        "hidden": node.hidden,
        "href": reverse("admin:find", args=[node.public_id]) if has_page else "",
    }
