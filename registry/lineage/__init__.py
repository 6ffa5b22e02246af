"""Lineage: what led to a thing, what came of it, and the questions that this answers."""

from registry.lineage.gain import Credit, Gain, GainStep, StepState, asked_version, gain_of
from registry.lineage.graph import Edge, Graph, Node, Viewer, viewer_of
from registry.lineage.questions import (
    Downstream,
    Reached,
    UsedBy,
    VersionUse,
    downstream_of,
    used_by,
)
from registry.lineage.walk import (
    MAX_NODES,
    EdgePage,
    NodePage,
    Walk,
    edges_page,
    lineage_of,
    nodes_page,
    place_of,
)

__all__ = [
    "MAX_NODES",
    "Credit",
    "Downstream",
    "Edge",
    "EdgePage",
    "Gain",
    "GainStep",
    "Graph",
    "Node",
    "NodePage",
    "Reached",
    "StepState",
    "UsedBy",
    "VersionUse",
    "Viewer",
    "Walk",
    "asked_version",
    "downstream_of",
    "edges_page",
    "gain_of",
    "lineage_of",
    "nodes_page",
    "place_of",
    "used_by",
    "viewer_of",
]
