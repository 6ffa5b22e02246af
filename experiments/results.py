"""What a decided comparison leaves behind: outcomes, lineage, facts on the version, the event."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.algorithms.decision import Decision
from experiments.models import Comparison
from hokusai.core.canonical import canonical_bytes
from hokusai.core.events import SYSTEM, record
from hokusai.storage import stores
from registry.choices import EdgeKind, NodeKind
from registry.services import NodeRef, link_lineage, state_facts, version_node

# What the columns of a comparison hold: above 2,000 units of any metric.
LARGEST_PPM = 2**31 - 1


def keep_outcomes(outcomes: dict[str, npt.NDArray[np.int64]]) -> str:
    """Store the outcomes per row in the benchmark's order, as canonical JSON; their sha256."""
    content = canonical_bytes({name: values.tolist() for name, values in outcomes.items()})
    return stores["default"].put(content)


def stored(decision: Decision) -> dict[str, Any]:
    """A decision as JSON, which knows no infinity: a bound that does not exist is null."""
    finite: dict[str, Any] = _finite(asdict(decision))
    return finite


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def bound_ppm(value: int) -> int | None:
    """An end of an interval in millionths; None where the rows are too few to give one."""
    return value if abs(value) < LARGEST_PPM else None


def comparison_node(comparison: Comparison) -> NodeRef:
    return NodeRef(comparison.public_id, NodeKind.COMPARISON, str(comparison), comparison.project)


def tell_lineage(comparison: Comparison) -> None:
    """Both versions and the benchmark lead to the comparison."""
    node = comparison_node(comparison)
    benchmark = comparison.benchmark
    sides = (("baseline", comparison.baseline), ("candidate", comparison.candidate))
    for role, version in sides:
        link_lineage(
            src=version_node(version),
            dst=node,
            kind=EdgeKind.COMPARED,
            attributes={"status": comparison.status, "role": role},
        )
    link_lineage(
        src=NodeRef(benchmark.public_id, NodeKind.BENCHMARK, benchmark.name, benchmark.project),
        dst=node,
        kind=EdgeKind.MEASURED_ON,
    )


def announce(comparison: Comparison) -> None:
    """State the verdict on the candidate, which MLflow shows too, and record it."""
    facts = {"comparison": comparison.public_id, "decision": comparison.status}
    after = {"status": comparison.status}
    if comparison.status == "accepted" and comparison.delta_ppm is not None:
        facts["delta_percentage_points"] = f"{comparison.delta_ppm / 10_000:.4f}"
        after["reason"] = comparison.reason
    state_facts(version_id=comparison.candidate_id, facts=facts)
    record(
        f"comparison:{comparison.status}",
        subject=comparison.public_id,
        actor=SYSTEM,
        project_id=comparison.project.pk,
        label=str(comparison),
        before={"status": "requested"},
        # Those who compete read events; why they were refused is for those who see the benchmark.
        after=after,
    )
