import math

import numpy as np
import orjson
import pytest
from django.db import transaction

from experiments.algorithms.decision import Guardrail, PairedOutcomes, Policy, decide
from experiments.algorithms.evidence import evidence_of
from experiments.deciding import Verdict
from experiments.results import announce, bound_ppm, stored, tell_lineage
from hokusai.core.models import Event
from registry.models import LineageEdge
from tests.factories import ComparisonFactory

ROWS = np.array([1_000_000, 0, 1_000_000], dtype=np.int64)


def test_a_bound_that_does_not_exist_is_null() -> None:
    pair = PairedOutcomes("log_loss", ROWS, ROWS)
    accuracy = PairedOutcomes("accuracy", ROWS, ROWS)
    policy = Policy("accuracy", guardrails=(Guardrail("log_loss", 0),))
    decision = decide(policy, 1, {"accuracy": accuracy, "log_loss": pair}, 1)
    assert decision.guardrails[0].estimate is not None
    assert decision.guardrails[0].estimate.low == -math.inf
    found = Verdict(decision, {"accuracy": evidence_of(accuracy, 1)}, None)
    kept = orjson.loads(orjson.dumps(stored(found, "A")))
    assert kept["guardrails"][0]["estimate"]["low"] is None
    assert kept["p_value"] == decision.p_value
    assert kept["n"] == 3
    assert kept["evidence"]["accuracy"]["form"] == "counts"
    assert kept["evaluator"]["isolation_tier"] == "A"
    assert "control" not in kept
    assert bound_ppm(2**53 - 1) is None
    assert bound_ppm(-(2**53) + 1) is None
    assert bound_ppm(-72_500) == -72_500


@pytest.mark.django_db
def test_telling_the_lineage_twice_is_the_same_as_once() -> None:
    comparison = ComparisonFactory(status="accepted")
    tell_lineage(comparison)
    tell_lineage(comparison)
    edges = LineageEdge.objects.filter(dst__public_id=comparison.public_id)
    sources = {edge.src.public_id: edge.kind for edge in edges.select_related("src")}
    assert sources == {
        comparison.baseline.public_id: "compared",
        comparison.candidate.public_id: "compared",
        comparison.benchmark.public_id: "measured_on",
    }
    roles = {edge.src.public_id: edge.attributes.get("role") for edge in edges}
    assert roles[comparison.baseline.public_id] == "baseline"
    assert roles[comparison.candidate.public_id] == "candidate"


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "told"), [("accepted", "5.0000"), ("refused", None)])
def test_only_of_an_accepted_candidate_difference_and_reason_are_told(
    status: str, told: str | None
) -> None:
    comparison = ComparisonFactory(status=status, delta_ppm=50_000, reason="regression")
    with transaction.atomic():
        announce(comparison)
    tags = dict(comparison.candidate.tags.values_list("key", "value"))
    assert tags["hokusai.decision"] == status
    assert tags.get("hokusai.delta_percentage_points") == told
    event = Event.objects.get(tag=f"comparison:{status}")
    assert event.after["status"] == status
    assert ("reason" in event.after) == (told is not None)
