"""Ancestors and descendants in one recursive query, whole or in pages."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.utils.crypto import salted_hmac

from hokusai.accounts.choices import Visibility
from hokusai.core.errors import InvalidInput
from registry.choices import NodeKind
from registry.lineage.graph import (
    PUBLIC_KINDS,
    Edge,
    Graph,
    Node,
    Viewer,
    attributes_of,
    graph_of,
    node_of,
    rows_of,
    viewer_of,
)
from registry.models import DatasetVersion, ModelVersion

MAX_NODES = 5000
DIRECTIONS = ("both", "ancestors", "descendants")
_SIGNER = signing.Signer(salt="registry.lineage.cursor")
_HEXADECIMAL = 16

# UNION (not UNION ALL) deduplicates by node: carrying depth or a path would multiply rows.
_REACHED = """
WITH RECURSIVE up(id) AS (
    SELECT id FROM registry_lineagenode WHERE public_id = %(start)s AND %(up)s
    UNION
    SELECT e.src_id FROM registry_lineageedge e JOIN up ON e.dst_id = up.id
), down(id) AS (
    SELECT id FROM registry_lineagenode WHERE public_id = %(start)s AND %(down)s
    UNION
    SELECT e.dst_id FROM registry_lineageedge e JOIN down ON e.src_id = down.id
), reached AS (SELECT id FROM up UNION SELECT id FROM down)
"""
_NODES = """
SELECT id, public_id, kind, label, slug, visible FROM shown
WHERE %(after)s::bigint IS NULL OR (id > %(after)s AND public_id <> %(start)s)
ORDER BY public_id <> %(start)s, id LIMIT %(limit)s
"""
_EDGES = """
, incoming AS MATERIALIZED (
    SELECT e.*, d.public_id AS dst_name, d.visible AS dst_visible
    FROM shown d CROSS JOIN LATERAL (
        SELECT * FROM registry_lineageedge WHERE dst_id = d.id OFFSET 0
    ) e
)
SELECT e.id, s.id, s.public_id, s.visible, e.dst_id, e.dst_name, e.dst_visible, e.kind,
       e.attributes
FROM incoming e JOIN shown s ON s.id = e.src_id
WHERE %(after)s::bigint IS NULL OR e.id > %(after)s
ORDER BY e.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where to start, which way, and which kinds to answer; all kinds where none is named."""

    public_id: str
    viewer: Viewer
    direction: str = "both"
    kinds: Collection[str] = field(default=())

    def parameters(self, *, limit: int, after: int | None) -> dict[str, Any]:
        """What the queries of one page ask for."""
        return {
            **self.viewer.parameters(),
            **ways(self.direction),
            "start": self.public_id,
            "kinds": list(self.kinds),
            "limit": limit + 1,
            "after": after,
        }


@dataclass(frozen=True, slots=True)
class NodePage:
    """Some nodes and where to go on; `next_cursor` is empty at the end."""

    nodes: list[Node]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class EdgePage:
    """Some edges and where to go on; `next_cursor` is empty at the end."""

    edges: list[Edge]
    next_cursor: str


def ways(direction: str) -> dict[str, bool]:
    """Which of the two recursions run."""
    return {
        "up": direction in {"both", "ancestors"},
        "down": direction in {"both", "descendants"},
    }


def lineage_of(
    *,
    public_id: str,
    user: Any,
    direction: str = "both",
    limit: int = 1000,
    kinds: Collection[str] = (),
    only_project: int | None = None,
) -> Graph:
    """Everything that led to a thing, or came from it, as far as the viewer may see.

    The thing itself comes first and is never cut off. What is hidden keeps its place without
    name, id and edge attributes. `only_project` is the project of the API key that asks.
    """
    return graph_of(
        _REACHED,
        start=public_id,
        viewer=viewer_of(user, only_project=only_project),
        limit=min(limit, MAX_NODES),
        kinds=tuple(kinds),
        **ways(direction),
    )


def place_of(public_id: str, viewer: Viewer) -> Node | None:
    """The thing itself; None for what is hidden or absent.

    Versions and tables that nothing led to, and of which nothing came, have no edge yet.
    """
    graph = graph_of(
        "WITH reached AS (SELECT id FROM registry_lineagenode WHERE public_id = %(start)s)",
        start=public_id,
        viewer=viewer,
        limit=1,
    )
    found = graph.nodes[0] if graph.nodes else _unlinked(public_id, viewer)
    return None if found is None or found.hidden else found


def _unlinked(public_id: str, viewer: Viewer) -> Node | None:
    if public_id.startswith("mdv_"):
        versions = ModelVersion.objects.select_related("model__project")
        version = versions.filter(public_id=public_id).first()
        return None if version is None else version_alone(version, viewer)
    if public_id.startswith("dsv_"):
        tables = DatasetVersion.objects.select_related("dataset__project")
        table = tables.filter(public_id=public_id).first()
        return None if table is None else _alone(table, NodeKind.DATASET, viewer)
    return None


def version_alone(version: ModelVersion, viewer: Viewer) -> Node:
    """A version as the only node of its graph."""
    shared = version.model_id in viewer.shared_models
    return _alone(version, NodeKind.VERSION, viewer, shared=shared)


def _alone(row: Any, kind: NodeKind, viewer: Viewer, *, shared: bool = False) -> Node:
    project = row.project
    own = viewer.everything or project.pk in viewer.projects or shared
    public = kind in PUBLIC_KINDS and project.visibility == Visibility.PUBLIC
    visible = own or (public and viewer.only in (None, project.pk))
    return Node(row.public_id, kind.value, str(row), project.slug, hidden=not visible)


def nodes_page(walk: Walk, *, limit: int, cursor: str = "") -> NodePage:
    """Nodes by age after the thing itself, which comes first. Raises InvalidInput for a cursor."""
    after = _opened(cursor, walk.public_id)
    rows = rows_of(_REACHED, _NODES, walk.parameters(limit=limit, after=after))
    return NodePage(
        nodes=[node_of(row, walk.viewer) for row in rows[:limit]],
        next_cursor=_following(rows, limit, walk.public_id),
    )


def edges_page(walk: Walk, *, limit: int, cursor: str = "") -> EdgePage:
    """Edges in the order in which they were stated. Raises InvalidInput for a cursor."""
    after = _opened(cursor, walk.public_id)
    rows = rows_of(_REACHED, _EDGES, walk.parameters(limit=limit, after=after))
    return EdgePage(
        edges=[_edge(row, walk.viewer) for row in rows[:limit]],
        next_cursor=_following(rows, limit, walk.public_id),
    )


def _edge(row: tuple[Any, ...], viewer: Viewer) -> Edge:
    _, src, src_name, src_visible, dst, dst_name, dst_visible, kind, attributes = row
    return Edge(
        viewer.name_of(src, src_name, src_visible),
        viewer.name_of(dst, dst_name, dst_visible),
        kind,
        attributes_of(attributes, src_visible and dst_visible),
    )


def _following(rows: list[tuple[Any, ...]], limit: int, start: str) -> str:
    """A cursor behind the last row shown: its key, which stays ours, under a mask."""
    if len(rows) <= limit:
        return ""
    # The start comes first whatever its key; a page that ends with it begins at the lowest.
    first_alone = limit == 1 and rows[0][1] == start
    key = 0 if first_alone else rows[limit - 1][0]
    return _SIGNER.sign(f"{key ^ _mask(start):x}")


def _opened(cursor: str, start: str) -> int | None:
    if not cursor:
        return None
    try:
        return int(_SIGNER.unsign(cursor), _HEXADECIMAL) ^ _mask(start)
    except signing.BadSignature as error:
        raise InvalidInput("Unknown cursor; start again without one.", cursor="unknown") from error


def _mask(start: str) -> int:
    return int.from_bytes(salted_hmac("registry.lineage.cursor", start).digest()[:7], "big")
