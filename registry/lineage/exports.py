"""Answers as tables, and graphs as PROV-JSON (W3C member submission of 24 April 2013)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.choices import EdgeKind, NodeKind
from registry.lineage.gain import Gain, GainStep
from registry.lineage.graph import Edge, Graph, Node
from registry.lineage.questions import Downstream, UsedBy

PREFIXES = {
    "hokusai": "urn:hokusai:",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_ACTIVITIES = frozenset({NodeKind.RUN, NodeKind.COMPARISON, NodeKind.DEPLOYMENT})
_AGENTS = frozenset({NodeKind.CONTRIBUTOR})
# Relation, and what it calls the end that came (dst) and the end that it came from (src).
_DERIVED = ("wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity")
_USED = ("used", "prov:activity", "prov:entity")
_GENERATED = ("wasGeneratedBy", "prov:entity", "prov:activity")
_ATTRIBUTED = ("wasAttributedTo", "prov:entity", "prov:agent")
_INFLUENCED = ("wasInfluencedBy", "prov:influencee", "prov:influencer")
_RELATIONS = {
    EdgeKind.PARENT: _DERIVED,
    EdgeKind.TRAINED_ON: _DERIVED,
    EdgeKind.GIVEN_AS: _DERIVED,
    EdgeKind.CREDITED: _DERIVED,
    EdgeKind.ATTESTED: _DERIVED,
    EdgeKind.PRODUCED_BY: _GENERATED,
    EdgeKind.IMPROVED: _GENERATED,
    EdgeKind.COMPARED: _USED,
    EdgeKind.MEASURED_ON: _USED,
    EdgeKind.SERVED_BY: _USED,
    EdgeKind.GIVEN_BY: _ATTRIBUTED,
}


GAIN_HEADERS = (
    "step",
    "from",
    "to",
    "state",
    "metric",
    "delta_ppm",
    "improvement",
    "attestation",
    "contribution",
    "contributor",
    "basis_points",
)


@dataclass(frozen=True, slots=True)
class Table:
    """What a CSV file holds."""

    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]


def uses_table(answer: UsedBy) -> Table:
    """One row per version that used a table."""
    rows = [
        (
            use.version.public_id,
            use.version.label,
            use.version.project_slug or "",
            "direct" if use.direct else "through a parent",
            use.generations,
            use.through.label if use.through else "",
        )
        for use in answer.uses
    ]
    return Table(("id", "version", "project", "use", "generations", "through"), rows)


def downstream_table(answer: Downstream) -> Table:
    """One row per thing that came of another."""
    rows = [
        (one.node.public_id, one.node.kind, one.node.label, one.node.project_slug or "",
         one.distance)
        for one in answer.reached
    ]  # fmt: skip
    return Table(("id", "kind", "label", "project", "distance"), rows)


def gain_table(answer: Gain) -> Table:
    """One row per step and credited contribution; a step that credits nobody has one row."""
    rows = [
        (*_step(number, step), *credit)
        for number, step in enumerate(answer.steps, start=1)
        for credit in _credits(step)
    ]
    return Table(GAIN_HEADERS, rows)


def _step(number: int, step: GainStep) -> tuple[Any, ...]:
    return (
        number,
        step.baseline.label,
        step.candidate.label,
        step.state.value,
        step.metric,
        "" if step.delta_ppm is None else step.delta_ppm,
        step.improvement.public_id if step.improvement else "",
        step.attestation.public_id if step.attestation else "",
    )


def _credits(step: GainStep) -> list[tuple[Any, ...]]:
    rows = [
        (
            credit.contribution.public_id,
            credit.contributor.label if credit.contributor else "",
            "" if credit.basis_points is None else credit.basis_points,
        )
        for credit in step.credits
    ]
    return rows or [("", "", "")]


def prov_document(graph: Graph) -> dict[str, Any]:
    """A graph as PROV-JSON; what is hidden has neither name nor attributes here either."""
    document: dict[str, Any] = {"prefix": PREFIXES, "entity": {}, "activity": {}, "agent": {}}
    for node in graph.nodes:
        document[_sort_of(node)][_name(node.public_id)] = _described(node)
    relations: dict[str, dict[str, Any]] = defaultdict(dict)
    for number, edge in enumerate(graph.edges, start=1):
        relation, came, origin = _RELATIONS.get(EdgeKind(edge.kind), _INFLUENCED)
        relations[relation][f"_:r{number}"] = {
            came: _name(edge.dst),
            origin: _name(edge.src),
            "prov:type": _typed(edge.kind),
            **_stated(edge),
        }
    return {**document, **relations}


def _sort_of(node: Node) -> str:
    if node.kind in _AGENTS:
        return "agent"
    return "activity" if node.kind in _ACTIVITIES else "entity"


def _described(node: Node) -> dict[str, Any]:
    described: dict[str, Any] = {"prov:type": _typed(node.kind), "prov:label": node.label}
    if node.project_slug:
        described["hokusai:project"] = node.project_slug
    return described


def _stated(edge: Edge) -> dict[str, Any]:
    return {
        f"hokusai:{name}": value if isinstance(value, str | int | float) else str(value)
        for name, value in sorted(edge.attributes.items())
    }


def _typed(kind: str) -> dict[str, str]:
    return {"$": f"hokusai:{kind}", "type": "xsd:QName"}


def _name(public_id: str) -> str:
    return f"hokusai:{public_id}"
