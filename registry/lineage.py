"""Lineage: ancestors and descendants in one query, with visibility applied inside."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from hokusai.accounts.models import Project

MAX_NODES = 5000


@dataclass(frozen=True, slots=True)
class Node:
    """A point of the graph; a hidden one keeps its place and loses its name."""

    public_id: str
    kind: str
    label: str
    project_slug: str | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """`dst` came from `src`."""

    src: str
    dst: str
    kind: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: list[Node]
    edges: list[Edge]
    truncated: bool


# UNION (not UNION ALL) deduplicates by node: carrying depth or a path would multiply rows.
_WALK = """
WITH RECURSIVE up(id) AS (
    SELECT id FROM registry_lineagenode WHERE public_id = %(start)s AND %(up)s
    UNION
    SELECT e.src_id FROM registry_lineageedge e JOIN up ON e.dst_id = up.id
), down(id) AS (
    SELECT id FROM registry_lineagenode WHERE public_id = %(start)s AND %(down)s
    UNION
    SELECT e.dst_id FROM registry_lineageedge e JOIN down ON e.src_id = down.id
), reached AS (
    SELECT id FROM (SELECT id FROM up UNION SELECT id FROM down) found
    JOIN registry_lineagenode USING (id)
    ORDER BY public_id <> %(start)s, id LIMIT %(limit)s
), shown AS (
    SELECT n.id, n.public_id, n.kind, n.label, p.slug,
           n.project_id IS NULL OR %(all)s OR n.project_id = ANY(%(projects)s) AS visible
    FROM reached JOIN registry_lineagenode n USING (id)
    LEFT JOIN accounts_project p ON p.id = n.project_id
)
SELECT s.id, s.public_id, s.kind, s.label, s.slug, s.visible,
       e.dst_id, e.kind, e.attributes
FROM shown s
LEFT JOIN registry_lineageedge e
    ON e.src_id = s.id AND e.dst_id IN (SELECT id FROM shown)
ORDER BY s.public_id <> %(start)s, s.id, e.id
"""


def lineage_of(*, public_id: str, user: Any, direction: str = "both", limit: int = 1000) -> Graph:
    """Everything that led to a thing, or came from it, as far as the viewer may see.

    The thing itself comes first and is never cut off. What is hidden keeps its place without
    name, id and edge attributes.
    """
    limit = min(limit, MAX_NODES)
    rows = _rows(public_id, user, direction, limit + 1)
    nodes = {row[0]: row for row in rows}
    kept = set(list(nodes)[:limit])
    shown = {key: _node(number, row) for number, (key, row) in enumerate(nodes.items())}
    edges = [
        _edge(row, nodes[row[6]], shown)
        for row in rows
        if row[6] is not None and row[0] in kept and row[6] in kept
    ]
    return Graph(
        nodes=[shown[key] for key in nodes if key in kept],
        edges=edges,
        truncated=len(nodes) > limit,
    )


def _rows(public_id: str, user: Any, direction: str, limit: int) -> list[tuple[Any, ...]]:
    everything = bool(getattr(user, "is_superuser", False))
    projects = [] if everything else _visible_projects(user)
    parameters: dict[str, Any] = {
        "start": public_id,
        "up": direction in {"both", "ancestors"},
        "down": direction in {"both", "descendants"},
        "limit": limit,
        "all": everything,
        "projects": projects,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WALK, parameters)
        return cursor.fetchall()


def _visible_projects(user: Any) -> list[int]:
    return list(Project.objects.visible_to(user).values_list("pk", flat=True))


def _node(number: int, row: tuple[Any, ...]) -> Node:
    _, public_id, kind, label, slug, visible = row[:6]
    if visible:
        return Node(public_id, kind, label, slug, hidden=False)
    return Node(f"hidden-{number}", kind, "hidden", None, hidden=True)


def _edge(row: tuple[Any, ...], dst: tuple[Any, ...], shown: dict[int, Node]) -> Edge:
    attributes = orjson.loads(row[8]) if row[5] and dst[5] else {}
    return Edge(shown[row[0]].public_id, shown[dst[0]].public_id, row[7], attributes)
