"""What a decided comparison leaves behind: outcomes, lineage, facts on the version, the event."""

import numpy as np
import numpy.typing as npt

from experiments.models import Comparison
from hokusai.core.canonical import canonical_bytes
from hokusai.core.events import SYSTEM, record
from hokusai.storage import stores
from registry.choices import EdgeKind, NodeKind
from registry.services import NodeRef, link_lineage, state_facts


def keep_outcomes(outcomes: dict[str, npt.NDArray[np.int64]]) -> str:
    """Store the outcomes per row in the benchmark's order, as canonical JSON; their sha256."""
    content = canonical_bytes({name: values.tolist() for name, values in outcomes.items()})
    return stores["default"].put(content)


def comparison_node(comparison: Comparison) -> NodeRef:
    return NodeRef(comparison.public_id, NodeKind.COMPARISON, str(comparison), comparison.project)


def tell_lineage(comparison: Comparison) -> None:
    """Both versions and the benchmark lead to the comparison."""
    node = comparison_node(comparison)
    benchmark = comparison.benchmark
    for version in (comparison.baseline, comparison.candidate):
        link_lineage(
            src=NodeRef(version.public_id, NodeKind.VERSION, str(version), version.project),
            dst=node,
            kind=EdgeKind.COMPARED,
            attributes={"status": comparison.status},
        )
    link_lineage(
        src=NodeRef(benchmark.public_id, NodeKind.BENCHMARK, benchmark.name, benchmark.project),
        dst=node,
        kind=EdgeKind.MEASURED_ON,
    )


def announce(comparison: Comparison) -> None:
    """State the verdict on the candidate, which MLflow shows too, and record it."""
    facts = {"comparison": comparison.public_id, "decision": comparison.status}
    if comparison.status == "accepted" and comparison.delta_ppm is not None:
        facts["delta_percentage_points"] = f"{comparison.delta_ppm / 10_000:.4f}"
    state_facts(version_id=comparison.candidate_id, facts=facts)
    record(
        f"comparison:{comparison.status}",
        subject=comparison.public_id,
        actor=SYSTEM,
        project_id=comparison.project.pk,
        label=str(comparison),
        before={"status": "requested"},
        after={"status": comparison.status, "reason": comparison.reason},
    )
