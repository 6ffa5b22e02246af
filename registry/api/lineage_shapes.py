"""Lineage as the API answers it: plain dictionaries, for thousands are answered at once."""

from typing import Any

from registry.lineage import Credit, Downstream, Edge, Gain, GainStep, Node, UsedBy

NOTE = (
    "Each step was measured against its own baseline; the total is their sum and no measurement "
    "of the last version against the first."
)


def node(found: Node) -> dict[str, Any]:
    """A node as LineageNodeSerializer describes it."""
    return {
        "id": found.public_id,
        "kind": found.kind,
        "label": found.label,
        "project": found.project_slug,
        "hidden": found.hidden,
    }


def node_or_none(found: Node | None) -> dict[str, Any] | None:
    return None if found is None else node(found)


def uses(answer: UsedBy) -> dict[str, Any]:
    """Who used a table, as UsedBySerializer describes it."""
    found = [
        {
            "version": node(use.version),
            "direct": use.direct,
            "generations": use.generations,
            "through": node_or_none(use.through),
        }
        for use in answer.uses
    ]
    return {"uses": found, "truncated": answer.graph.truncated}


def downstream(answer: Downstream) -> dict[str, Any]:
    """What came of a thing, as DownstreamSerializer describes it."""
    return {
        "reached": [{"node": node(one.node), "distance": one.distance} for one in answer.reached],
        "counts": answer.counts,
        "truncated": answer.graph.truncated,
    }


def edge(found: Edge) -> dict[str, Any]:
    """An edge as LineageEdgeSerializer describes it."""
    return {
        "src": found.src,
        "dst": found.dst,
        "kind": found.kind,
        "attributes": found.attributes,
    }


def gain(answer: Gain) -> dict[str, Any]:
    """A gain as GainSerializer describes it."""
    return {
        "version": node(answer.version),
        "steps": list(map(_step, answer.steps)),
        "totals": answer.totals,
        "note": NOTE,
    }


def _step(step: GainStep) -> dict[str, Any]:
    return {
        "baseline": node(step.baseline),
        "candidate": node(step.candidate),
        "state": step.state.value,
        "metric": step.metric,
        "delta_ppm": step.delta_ppm,
        "improvement": node_or_none(step.improvement),
        "attestation": node_or_none(step.attestation),
        "credits": list(map(_credit, step.credits)),
    }


def _credit(credit: Credit) -> dict[str, Any]:
    return {
        "contribution": node(credit.contribution),
        "contributor": node_or_none(credit.contributor),
        "basis_points": credit.basis_points,
    }


NO_GAIN: dict[str, Any] = {"version": None, "steps": [], "totals": {}, "note": NOTE}
