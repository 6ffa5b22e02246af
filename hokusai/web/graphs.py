"""The lineage of a thing, drawn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.urls import reverse

from hokusai.web import markup
from hokusai.web.panels import Panel

# Runs live in the tracking server alone.
RUN = "run"
BASIS_POINTS_PER_PERCENT = 100
# The table behind a drawing; files hold all of it.
ROWS_LISTED = 200
# A stand-in for an id in an address, replaced where the address is used.
_ANY = "id_0"


class Drawable(Protocol):
    """What `registry.reports.lineage_around` gives."""

    @property
    def nodes(self) -> Sequence[Any]: ...
    @property
    def edges(self) -> Sequence[Any]: ...
    @property
    def truncated(self) -> bool: ...


def lineage_panel(graph: Drawable, focus: str, *, full: bool = False) -> Panel:
    """A graph as a panel; `focus` is the public id of what the page is about.

    A `full` one is a page of its own: with search, depth, legend and what is selected.
    """
    gains = _gains(graph)
    edges = [_edge(edge, gains) for edge in graph.edges]
    context = {
        "data": {
            "focus": focus,
            "full": full,
            "graphs": reverse("admin:lineage", args=[_ANY]).removesuffix(f"{_ANY}/"),
            "nodes": [_node(node) for node in graph.nodes],
            "edges": edges,
        },
        "key": "chart-lineage",
        "empty": "" if graph.edges else "Nothing led here yet, and nothing came from it.",
        "full": full,
        "links": [] if full or not graph.edges else _links(graph, focus),
        "headers": ("From", "Relation", "To", "Stated"),
        "rows": _rows(graph, edges),
        "cut": max(0, len(edges) - ROWS_LISTED),
    }
    hint = "What it was made from, left, and what came of it, right."
    if not full:
        hint += " Each box leads to its page."
    if graph.truncated:
        hint = f"The first {len(graph.nodes)} points; the API gives all of them."
    return Panel("Lineage", "console/panels/lineage.html", context, hint=hint)


def _rows(graph: Drawable, edges: Sequence[Mapping[str, str]]) -> list[tuple[Any, ...]]:
    names = {node.public_id: node.label for node in graph.nodes}
    return [
        (
            names.get(edge["src"], edge["src"]),
            edge["kind"].replace("_", " "),
            names.get(edge["dst"], edge["dst"]),
            edge["label"] or markup.NOTHING,
        )
        for edge in edges[:ROWS_LISTED]
    ]


def _links(graph: Drawable, focus: str) -> list[tuple[str, str]]:
    """Where a graph is asked more: its own page, what came of it, and who used a table."""
    known = {node.public_id: node for node in graph.nodes if not node.hidden}
    if focus not in known:
        return []
    links = [
        ("Open the whole graph", reverse("admin:lineage", args=[focus])),
        ("Everything downstream", reverse("admin:lineage-downstream", args=[focus])),
    ]
    if known[focus].kind == "dataset":
        links.append(("Which versions used it", reverse("admin:lineage-used-by", args=[focus])))
    if known[focus].kind == "version":
        links.append(("Where its gain came from", reverse("admin:lineage-gain", args=[focus])))
    return links


def stated(attributes: Mapping[str, Any]) -> str:
    """What an edge says of itself in a few words: credit, gain or revision; empty for nothing."""
    if "basis_points" in attributes:
        return f"{attributes['basis_points'] / BASIS_POINTS_PER_PERCENT:g} %"
    if "delta_ppm" in attributes:
        gain = markup.gain(attributes["delta_ppm"], attributes.get("metric", "accuracy"))
        return gain + _owed(attributes.get("contributors", 0))
    if "revision" in attributes:
        return f"revision {attributes['revision']}"
    said = (attributes.get("role"), attributes.get("status"))
    return ", ".join(str(word) for word in said if word)


def node_link(node: Any) -> Any:
    """A node's name, leading to its page where it has one; a dash for none."""
    if node is None:
        return markup.NOTHING
    if node.hidden:
        return markup.badge("hidden", "quiet")
    return node.label if node.kind == RUN else markup.found_link(node.label, node.public_id)


def _owed(contributors: int) -> str:
    if not contributors:
        return ""
    return f" by {contributors} contributor{'s' if contributors > 1 else ''}"


def _gains(graph: Drawable) -> dict[tuple[str, str], str]:
    """What was measured between two versions, for the edge from parent to child."""
    sides: dict[str, dict[str, str]] = defaultdict(dict)
    for edge in graph.edges:
        if edge.kind == "compared" and "role" in edge.attributes:
            sides[edge.dst][edge.attributes["role"]] = edge.src
    gains = {}
    for edge in graph.edges:
        roles = sides.get(edge.src, {})
        if edge.kind == "improved" and len(roles) > 1:
            gains[roles["baseline"], roles["candidate"]] = stated(edge.attributes)
    return gains


def _edge(edge: Any, gains: Mapping[tuple[str, str], str]) -> dict[str, str]:
    label = stated(edge.attributes)
    if edge.kind == "parent":
        label = gains.get((edge.src, edge.dst), label)
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
