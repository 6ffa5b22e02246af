from typing import Any

import pytest
from django.utils import timezone

from experiments.checks import BenchmarkPassed
from experiments.models import Comparison
from registry.choices import EdgeKind
from registry.models import Model, ModelVersion
from tests.factories import (
    ComparisonFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelVersionFactory,
)

pytestmark = pytest.mark.django_db
GUARDRAIL = [{"metric": "log_loss", "margin_ppm": 0}]


def accepted(**fields: Any) -> Comparison:
    made: Comparison = ComparisonFactory(
        status="accepted", delta_ppm=72_500, decided_at=timezone.now(), **fields
    )
    return made


def lead(model: Model, version: ModelVersion) -> None:
    model.head = version
    model.save()


def test_a_first_version_passes() -> None:
    assert BenchmarkPassed().run(ModelVersionFactory()).passed


def test_what_failed_to_arrive_is_no_version_before() -> None:
    failed = ModelVersionFactory(artifact_state="failed")
    assert BenchmarkPassed().run(ModelVersionFactory(model=failed.model)).passed
    on_its_way = ModelVersionFactory(artifact_state="copying", tree_digest="")
    assert not BenchmarkPassed().run(ModelVersionFactory(model=on_its_way.model)).passed


def test_a_later_version_that_was_never_compared_fails() -> None:
    first = ModelVersionFactory()
    result = BenchmarkPassed().run(ModelVersionFactory(model=first.model, parent=first))
    assert not result.passed
    assert "never compared" in result.message


def test_an_accepted_comparison_passes_and_is_named() -> None:
    result = BenchmarkPassed().run(accepted().candidate)
    assert result.passed
    assert "7.25 percentage points" in result.message


def test_a_refused_comparison_fails_without_telling_why() -> None:
    comparison = ComparisonFactory(
        status="refused", decided_at=timezone.now(), explanation="The observed gain is 0.3 points."
    )
    result = BenchmarkPassed().run(comparison.candidate)
    assert not result.passed
    assert str(comparison) in result.message
    assert comparison.explanation not in result.message


@pytest.mark.parametrize("status", ["requested", "failed"])
def test_a_comparison_without_a_verdict_does_not_count(status: str) -> None:
    assert not BenchmarkPassed().run(ComparisonFactory(status=status).candidate).passed


def test_being_the_baseline_of_an_accepted_comparison_does_not_count() -> None:
    comparison = accepted()
    later = ModelVersionFactory(model=comparison.baseline.model, parent=comparison.baseline)
    assert not BenchmarkPassed().run(later).passed


def test_a_later_version_without_a_parent_is_no_way_around() -> None:
    first = ModelVersionFactory()
    assert not BenchmarkPassed().run(ModelVersionFactory(model=first.model, number=2)).passed


@pytest.mark.parametrize(
    ("guardrails", "passed"),
    [
        ([], False),
        ([{"metric": "log_loss", "passed": False}], False),
        ([{"metric": "log_loss"}], False),
        ([{"metric": "other", "passed": True}], False),
        ([{"metric": "log_loss", "passed": True}], True),
    ],
)
def test_every_guardrail_of_the_benchmark_is_there_and_passed(
    guardrails: list[dict[str, Any]], passed: bool
) -> None:
    comparison = accepted(benchmark__guardrails=GUARDRAIL, statistics={"guardrails": guardrails})
    result = BenchmarkPassed().run(comparison.candidate)
    assert result.passed is passed
    assert passed or "log_loss" in result.message


def test_a_retired_benchmark_counts_no_more() -> None:
    result = BenchmarkPassed().run(accepted(benchmark__status="retired").candidate)
    assert not result.passed
    assert "retired" in result.message


def test_a_benchmark_of_another_project_does_not_count() -> None:
    baseline = ModelVersionFactory()
    assert not BenchmarkPassed().run(accepted(baseline=baseline).candidate).passed


def test_other_bytes_than_were_measured_do_not_count() -> None:
    assert not BenchmarkPassed().run(accepted(candidate_digest="0" * 64).candidate).passed


def test_a_baseline_that_no_longer_leads_is_told_apart() -> None:
    comparison = accepted()
    later = ModelVersionFactory(model=comparison.baseline.model)
    lead(comparison.baseline.model, later)
    result = BenchmarkPassed().run(comparison.candidate)
    assert not result.passed
    assert f"compare with v{later.number}" in result.message
    LineageEdgeFactory(
        src=LineageNodeFactory(public_id=comparison.public_id), kind=EdgeKind.IMPROVED
    )
    result = BenchmarkPassed().run(comparison.candidate)
    assert result.passed
    assert f"v{later.number} leads now" in result.message


@pytest.mark.parametrize("leader", ["baseline", "candidate"])
def test_whoever_leads_is_no_obstacle_to_itself(leader: str) -> None:
    comparison = accepted()
    lead(comparison.baseline.model, getattr(comparison, leader))
    assert BenchmarkPassed().run(comparison.candidate).passed


def test_one_acceptance_that_counts_is_enough() -> None:
    good = accepted()
    accepted(
        benchmark__status="retired",
        benchmark__project=good.benchmark.project,
        baseline=good.baseline,
        candidate=good.candidate,
    )
    assert BenchmarkPassed().run(good.candidate).passed
