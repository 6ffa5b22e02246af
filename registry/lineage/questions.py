"""What people ask of a lineage: who used this, and what came of it."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from registry.choices import EdgeKind, NodeKind
from registry.lineage.graph import Edge, Graph, Node
from registry.lineage.walk import MAX_NODES, lineage_of


@dataclass(frozen=True, slots=True)
class VersionUse:
    """A version made from a table: itself trained on it, or `through` a version that was."""

    version: Node
    direct: bool
    generations: int
    through: Node | None


@dataclass(frozen=True, slots=True)
class UsedBy:
    """Versions that used a table, those trained on it first."""

    uses: list[VersionUse]
    graph: Graph


@dataclass(frozen=True, slots=True)
class Reached:
    """A thing that came of another, so many edges away."""

    node: Node
    distance: int


@dataclass(frozen=True, slots=True)
class Downstream:
    """Everything that came of a thing, the nearest first; `counts` by kind."""

    reached: list[Reached]
    counts: Mapping[str, int]
    graph: Graph


def used_by(*, public_id: str, user: Any, only_project: int | None = None) -> UsedBy:
    """Which versions a dataset version went into, directly and through their ancestors."""
    graph = lineage_of(
        public_id=public_id,
        user=user,
        direction="descendants",
        limit=MAX_NODES,
        kinds=(NodeKind.VERSION, NodeKind.DATASET),
        only_project=only_project,
    )
    if not graph.nodes:
        return UsedBy([], graph)
    start = graph.nodes[0].public_id
    nodes = {node.public_id: node for node in graph.nodes}
    trained = [
        edge.dst for edge in graph.edges if edge.src == start and edge.kind == EdgeKind.TRAINED_ON
    ]
    far, roots = _distances(graph.edges, dict.fromkeys(trained, 0))
    uses = [
        VersionUse(nodes[key], distance == 0, distance, nodes[roots[key]] if distance else None)
        for key, distance in sorted(far.items(), key=lambda item: item[1])
        if nodes[key].kind == NodeKind.VERSION
    ]
    return UsedBy(uses, graph)


def downstream_of(
    *,
    public_id: str,
    user: Any,
    kinds: Collection[str] = (),
    limit: int = MAX_NODES,
    only_project: int | None = None,
) -> Downstream:
    """Everything that came of a thing; `kinds` chooses what is answered, not what is followed."""
    graph = lineage_of(
        public_id=public_id,
        user=user,
        direction="descendants",
        limit=MAX_NODES,
        only_project=only_project,
    )
    if not graph.nodes:
        return Downstream([], {}, graph)
    start = graph.nodes[0].public_id
    nodes = {node.public_id: node for node in graph.nodes}
    far, _ = _distances(graph.edges, {start: 0})
    reached = [
        Reached(nodes[key], distance)
        for key, distance in sorted(far.items(), key=lambda item: item[1])
        if key != start and (not kinds or nodes[key].kind in kinds)
    ]
    counts = Counter(one.node.kind for one in reached)
    cut = len(reached) > limit or graph.truncated
    part = Graph(graph.nodes, graph.edges, truncated=cut)
    return Downstream(reached[:limit], dict(sorted(counts.items())), part)


def _distances(
    edges: Collection[Edge], starts: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, str]]:
    """Edges from the nearest start to each node that follows from one, and which start that is."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        following[edge.src].append(edge.dst)
    far, roots = dict(starts), {start: start for start in starts}
    waiting = deque(starts)
    while waiting:
        at = waiting.popleft()
        for dst in following[at]:
            if dst not in far:
                far[dst], roots[dst] = far[at] + 1, roots[at]
                waiting.append(dst)
    return far, roots
