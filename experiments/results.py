"""What a decided comparison leaves behind: numbers, lineage, facts on the version, the event."""

import math
from dataclasses import asdict
from typing import Any

from django.conf import settings

from experiments.attempts import next_number, open_attempt
from experiments.choices import Split
from experiments.deciding import Verdict
from experiments.evaluator import lock_digest, revision
from experiments.models import Comparison, Confirmation
from hokusai.core import jobs
from hokusai.core.events import SYSTEM, record
from registry.choices import EdgeKind, NodeKind
from registry.services import NodeRef, link_lineage, state_facts, version_node

# What the columns of a comparison hold: above 2,000 units of any metric.
LARGEST_PPM = 2**31 - 1


def stored(verdict: Verdict, tier: str) -> dict[str, Any]:
    """A verdict as JSON, which knows no infinity: a bound that does not exist is null.

    `tier`: the weakest isolation in which a version was asked.
    """
    decision: dict[str, Any] = _finite(asdict(verdict.decision))
    evaluator = {
        "lock_digest": lock_digest(),
        "revision": revision(),
        "isolation_tier": tier,
        "instance": settings.INSTANCE_NAME,
        "environment": settings.ENVIRONMENT_NAME,
    }
    found = {**decision, "evidence": verdict.evidence, "evaluator": evaluator}
    return found if verdict.credit is None else {**found, "control": verdict.credit}


def ask_to_confirm(comparison: Comparison) -> Confirmation:
    """Open the attempt on the rows kept for it and ask a worker, with the acceptance itself."""
    number = next_number(comparison.benchmark, Split.CONFIRMATION)
    open_attempt(comparison, Split.CONFIRMATION, number)
    job = jobs.enqueue(
        "confirmation",
        subject=comparison.public_id,
        project_id=comparison.project.pk,
        label=str(comparison),
    )
    return Confirmation.objects.create(comparison=comparison, job=job)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def bound_ppm(value: float) -> int | None:
    """An end of an interval in millionths; None where the rows are too few to give one."""
    return math.floor(value) if abs(value) < LARGEST_PPM else None


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
