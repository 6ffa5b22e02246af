"""Where a gain came from: accepted improvements from the first baseline to a version."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from registry.choices import EdgeKind
from registry.lineage.graph import Edge, Graph, Node, Viewer, graph_of
from registry.lineage.walk import MAX_NODES, version_alone
from registry.models import Model, ModelVersion

MAX_STEPS = 500

# Baselines of accepted comparisons and parents; edges that state no role were written baseline
# first. Then what is known of each improvement: its comparison, credit, givers and proof.
_REACHED = """
WITH RECURSIVE line(id) AS (
    SELECT id FROM registry_lineagenode WHERE public_id = %(start)s
    UNION
    SELECT came.id FROM line CROSS JOIN LATERAL (
        SELECT p.src_id AS id FROM registry_lineageedge p
        WHERE p.dst_id = line.id AND p.kind = 'parent'
        UNION ALL
        SELECT b.src_id FROM registry_lineageedge c
        JOIN registry_lineageedge i ON i.src_id = c.dst_id AND i.kind = 'improved'
        JOIN registry_lineageedge b
            ON b.dst_id = c.dst_id AND b.kind = 'compared' AND b.src_id <> c.src_id
        WHERE c.src_id = line.id AND c.kind = 'compared'
            AND COALESCE(c.attributes->>'role' = 'candidate', c.id > b.id)
    ) came
), measured AS (
    SELECT i.src_id AS comparison, i.dst_id AS improvement
    FROM registry_lineageedge c
    JOIN registry_lineageedge i ON i.src_id = c.dst_id AND i.kind = 'improved'
    WHERE c.kind = 'compared' AND c.src_id IN (SELECT id FROM line)
), credited AS (
    SELECT e.src_id AS id FROM registry_lineageedge e
    WHERE e.kind = 'credited' AND e.dst_id IN (SELECT improvement FROM measured)
), reached AS (
    SELECT id FROM line
    UNION SELECT comparison FROM measured
    UNION SELECT improvement FROM measured
    UNION SELECT id FROM credited
    UNION SELECT e.src_id FROM registry_lineageedge e
        WHERE e.kind = 'given_by' AND e.dst_id IN (SELECT id FROM credited)
    UNION SELECT e.dst_id FROM registry_lineageedge e
        WHERE e.kind = 'attested' AND e.src_id IN (SELECT improvement FROM measured)
)
"""


class StepState(StrEnum):
    """What is known of a step: its gain, that there is one, or nothing."""

    MEASURED = "measured"
    HIDDEN = "hidden"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Credit:
    """One contribution's part of an improvement, of 10,000; None where that is hidden."""

    contribution: Node
    contributor: Node | None
    basis_points: int | None


@dataclass(frozen=True, slots=True)
class GainStep:
    """From one version to the next; `delta_ppm` in millionths of the metric's unit."""

    baseline: Node
    candidate: Node
    state: StepState
    metric: str = ""
    delta_ppm: int | None = None
    improvement: Node | None = None
    attestation: Node | None = None
    credits: list[Credit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Gain:
    """Steps from the first baseline to `version`, oldest first.

    `totals` adds the measured steps of each metric up. Each step was measured against its own
    baseline on its own benchmark, so a total is no measurement of the last against the first.
    """

    version: Node
    steps: list[GainStep]
    totals: dict[str, int]
    graph: Graph


def asked_version(model: Model, number: int | None = None) -> ModelVersion | None:
    """A model's version by its number, else its head, else its newest; None where there is none."""
    versions = model.versions.select_related("model__project").order_by("-number")
    if number is not None:
        return versions.filter(number=number).first()
    head = versions.filter(pk=model.head_id).first() if model.head_id else None
    return head or versions.first()


def gain_of(version: ModelVersion, viewer: Viewer) -> Gain:
    """The way from a version back to its first baseline, as far as the viewer may see it."""
    graph = graph_of(_REACHED, start=version.public_id, viewer=viewer, limit=MAX_NODES)
    if not graph.nodes:
        lone = version_alone(version, viewer)
        return Gain(lone, [], {}, Graph([lone], [], truncated=False))
    steps = _Line(graph).steps(graph.nodes[0].public_id)
    totals: dict[str, int] = defaultdict(int)
    for step in steps:
        if step.delta_ppm is not None:
            totals[step.metric] += step.delta_ppm
    return Gain(graph.nodes[0], steps, dict(totals), graph)


class _Line:
    """The graph around a line of versions, by what a step is made of."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.public_id: node for node in graph.nodes}
        self.into: dict[tuple[str, str], list[Edge]] = defaultdict(list)
        self.out_of: dict[tuple[str, str], list[Edge]] = defaultdict(list)
        for edge in graph.edges:
            self.into[edge.dst, edge.kind].append(edge)
            self.out_of[edge.src, edge.kind].append(edge)
        # Improvements of a candidate, oldest first, each with its place in time.
        self.improvements: dict[str, list[tuple[int, str, Edge]]] = defaultdict(list)
        for place, edge in enumerate(graph.edges):
            if edge.kind == EdgeKind.IMPROVED:
                self._note(place, edge)

    def _note(self, place: int, improved: Edge) -> None:
        sides = self.into[improved.src, EdgeKind.COMPARED]
        roles = {edge.attributes.get("role"): edge.src for edge in sides}
        if {"baseline", "candidate"} <= set(roles):
            baseline, candidate = roles["baseline"], roles["candidate"]
        elif len(sides) > 1:
            baseline, candidate = sides[0].src, sides[-1].src
        else:
            return
        self.improvements[candidate].append((place, baseline, improved))

    def steps(self, start: str) -> list[GainStep]:
        """From the first baseline to the start; what lies before any measurement is left out."""
        found: list[GainStep] = []
        at, before, seen = start, len(self.nodes) ** 2 + 1, {start}
        while len(found) < MAX_STEPS:
            earlier = [one for one in self.improvements[at] if one[0] < before]
            if earlier:
                before, baseline, improved = earlier[-1]
                found.append(self._measured(baseline, at, improved))
                at = baseline
            else:
                parents = [edge.src for edge in self.into[at, EdgeKind.PARENT]]
                fresh = [parent for parent in parents if parent not in seen]
                if not fresh:
                    break
                found.append(GainStep(self.nodes[fresh[0]], self.nodes[at], StepState.UNMEASURED))
                at = fresh[0]
            seen.add(at)
        return list(reversed(_since_measured(found)))

    def _measured(self, baseline: str, candidate: str, improved: Edge) -> GainStep:
        delta_ppm = improved.attributes.get("delta_ppm")
        attested = self.out_of[improved.dst, EdgeKind.ATTESTED]
        return GainStep(
            baseline=self.nodes[baseline],
            candidate=self.nodes[candidate],
            state=StepState.HIDDEN if delta_ppm is None else StepState.MEASURED,
            metric=improved.attributes.get("metric", ""),
            delta_ppm=delta_ppm,
            improvement=self.nodes[improved.dst],
            attestation=self.nodes[attested[-1].dst] if attested else None,
            credits=[self._credit(edge) for edge in self.into[improved.dst, EdgeKind.CREDITED]],
        )

    def _credit(self, credited: Edge) -> Credit:
        givers = self.into[credited.src, EdgeKind.GIVEN_BY]
        return Credit(
            contribution=self.nodes[credited.src],
            contributor=self.nodes[givers[0].src] if givers else None,
            basis_points=credited.attributes.get("basis_points"),
        )


def _since_measured(newest_first: list[GainStep]) -> list[GainStep]:
    """Without the steps before the first that was measured; all of them where none was."""
    measured = [
        place for place, step in enumerate(newest_first) if step.state is not StepState.UNMEASURED
    ]
    return newest_first[: measured[-1] + 1] if measured else newest_first
