"""Points and lines as a viewer may see them, made from rows of one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.utils.crypto import salted_hmac

from hokusai.accounts.models import Project
from registry.choices import NodeKind
from registry.querysets import models_shared_with, shared_models

# What outsiders see of a public project, as the permission matrix has it.
PUBLIC_KINDS = (
    NodeKind.VERSION,
    NodeKind.RUN,
    NodeKind.BENCHMARK,
    NodeKind.COMPARISON,
    NodeKind.CONTRIBUTOR,
    NodeKind.IMPROVEMENT,
    NodeKind.ATTESTATION,
)
PSEUDONYM = 16


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
    """Nodes with the asked one first, edges in the order in which they were stated."""

    nodes: list[Node]
    edges: list[Edge]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: `projects` are their own, `only` is the project of an API key."""

    everything: bool
    projects: list[int]
    shared_models: list[int]
    only: int | None = None
    pseudonyms: str = ""

    def parameters(self) -> dict[str, Any]:
        """What the queries ask for."""
        return {
            "everything": self.everything,
            "projects": self.projects,
            "shared_models": self.shared_models,
            "only": self.only,
            "public_kinds": [kind.value for kind in PUBLIC_KINDS],
        }

    def name_of(self, key: int, public_id: str, visible: bool) -> str:
        """A point's id; for a hidden one a name that is the same in all that this viewer sees."""
        if visible:
            return public_id
        digest = salted_hmac(f"registry.lineage.{self.pseudonyms}", str(key)).hexdigest()
        return f"hidden-{digest[:PSEUDONYM]}"


def viewer_of(user: Any, *, only_project: int | None = None) -> Viewer:
    """What a person may see, or a key of theirs that belongs to one project."""
    name = str(getattr(user, "pk", None))
    if only_project is None and getattr(user, "is_superuser", False):
        return Viewer(everything=True, projects=[], shared_models=[], pseudonyms=name)
    own = Project.objects.of_member(user)
    shared = shared_models(user)
    if only_project is not None:
        own = own.filter(pk=only_project)
        shared = models_shared_with(only_project)
    return Viewer(
        everything=False,
        projects=list(own.values_list("pk", flat=True)),
        shared_models=list(shared.values_list("model", flat=True)),
        only=only_project,
        pseudonyms=name,
    )


# Continues a query that defines `reached(id)`. OFFSET 0 keeps the planner, which cannot know how
# much a recursion finds, at the indexes: a graph costs what it holds, not what the tables hold.
_SHOWN = """
, shown AS (
    SELECT n.id, n.public_id, n.kind, n.label, p.slug,
        %(everything)s OR n.project_id IS NULL OR n.project_id = ANY(%(projects)s)
        OR (n.model_id = ANY(%(shared_models)s) AND NOT EXISTS (
            SELECT 1 FROM registry_modelversion v
            WHERE v.public_id = n.public_id AND v.security_level = 'restricted'
        ))
        OR (p.visibility = 'public' AND n.kind = ANY(%(public_kinds)s)
            AND (%(only)s::bigint IS NULL OR p.id = %(only)s)) AS visible
    FROM reached CROSS JOIN LATERAL (
        SELECT * FROM registry_lineagenode WHERE id = reached.id OFFSET 0
    ) n
    LEFT JOIN accounts_project p ON p.id = n.project_id
    WHERE cardinality(%(kinds)s::text[]) = 0 OR n.kind = ANY(%(kinds)s)
        OR n.public_id = %(start)s
)
"""
# Edges are looked up by where they lead: a thing came from few others, many may come of it.
_GRAPH = """
, kept AS (
    SELECT * FROM shown ORDER BY public_id <> %(start)s, id LIMIT %(limit)s
), incoming AS MATERIALIZED (
    SELECT e.* FROM kept CROSS JOIN LATERAL (
        SELECT * FROM registry_lineageedge WHERE dst_id = kept.id OFFSET 0
    ) e
), stated AS (
    SELECT e.* FROM incoming e JOIN kept s ON s.id = e.src_id
)
SELECT d.id, d.public_id, d.kind, d.label, d.slug, d.visible,
       e.id, e.src_id, e.kind, e.attributes
FROM kept d LEFT JOIN stated e ON e.dst_id = d.id
"""


def rows_of(reached: str, answer: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a query in three parts: which nodes, what of them may be seen, what is answered."""
    with connection.cursor() as cursor:
        cursor.execute("".join((reached, _SHOWN, answer)), parameters)
        return cursor.fetchall()


def graph_of(
    reached: str, *, start: str, viewer: Viewer, limit: int, kinds: Sequence[str] = (), **more: Any
) -> Graph:
    """The graph over the nodes that the query `reached` finds; the start is never cut off."""
    parameters = {
        **viewer.parameters(),
        **more,
        "start": start,
        "kinds": list(kinds),
        "limit": limit + 1,
    }
    rows = rows_of(reached, _GRAPH, parameters)
    nodes = {row[0]: row for row in sorted(rows, key=lambda row: (row[1] != start, row[0]))}
    kept = dict.fromkeys(list(nodes)[:limit])
    shown = {key: node_of(nodes[key], viewer) for key in kept}
    stated = sorted(
        (row for row in rows if row[6] is not None and row[0] in kept and row[7] in kept),
        key=lambda row: row[6],
    )
    edges = [_edge(row, nodes[row[7]][5], shown) for row in stated]
    return Graph(nodes=list(shown.values()), edges=edges, truncated=len(nodes) > limit)


def node_of(row: tuple[Any, ...], viewer: Viewer) -> Node:
    """A row that begins as `shown` does, as a node."""
    key, public_id, kind, label, slug, visible = row[:6]
    if visible:
        return Node(public_id, kind, label, slug, hidden=False)
    return Node(viewer.name_of(key, public_id, visible), kind, "hidden", None, hidden=True)


def attributes_of(text: str, visible: bool) -> dict[str, Any]:
    """What an edge states, as JSON in the row; nothing where one of its ends is hidden."""
    if not visible or text == "{}":
        return {}
    found: dict[str, Any] = orjson.loads(text)
    return found


def _edge(row: tuple[Any, ...], src_visible: bool, shown: dict[int, Node]) -> Edge:
    attributes = attributes_of(row[9], row[5] and src_visible)
    return Edge(shown[row[7]].public_id, shown[row[0]].public_id, row[8], attributes)
