"""The rest, from measured rows, is in test_signing.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contributions.algorithms.statement import StatementError
from contributions.models import Improvement
from contributions.statements import statement_of
from experiments.algorithms.decision import PairedOutcomes, decide
from experiments.policy import policy_of
from experiments.results import stored
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    ContributionFactory,
    EvaluationFactory,
    ImprovementFactory,
    ShareFactory,
)

pytestmark = pytest.mark.django_db
ROWS = 400
EVALUATOR = {
    "lock_digest": "a" * 64,
    "revision": "1.4.2",
    "isolation_tier": "A",
    "instance": "hokusai.example",
    "environment": "test",
}


def outcomes(metric: str, baseline: int, candidate: int) -> PairedOutcomes:
    """Millionths of which the first `baseline` or `candidate` rows are one unit, others zero."""
    places = np.arange(ROWS)
    return PairedOutcomes(metric, (places < baseline) * 1_000_000, (places < candidate) * 1_000_000)


@pytest.fixture
def make() -> Callable[..., Improvement]:
    """An improvement whose decision was really made, on outcomes of 400 rows."""

    def make(*, points: tuple[int, ...] = (6_000, 4_000), **fields: Any) -> Improvement:
        benchmark = BenchmarkFactory(
            guardrails=[{"metric": "log_loss", "margin_ppm": 50_000}],
            dataset_version__row_count=ROWS,
        )
        found = {
            "accuracy": outcomes("accuracy", 300, 350),
            "log_loss": outcomes("log_loss", 150, 100),
        }
        decision = decide(policy_of(benchmark), 2, found, benchmark.seed)
        comparison = ComparisonFactory(
            benchmark=benchmark,
            status="accepted",
            reason=decision.reason.value,
            attempt=2,
            delta_ppm=decision.delta_ppm,
            statistics={**stored(decision), "evaluator": EVALUATOR},
            **fields,
        )
        EvaluationFactory(comparison=comparison)
        EvaluationFactory(comparison=comparison, role="baseline", version=comparison.baseline)
        improvement = ImprovementFactory(
            comparison=comparison, delta_ppm=decision.delta_ppm, method="row-weights/1"
        )
        for basis_points in points:
            ShareFactory(
                improvement=improvement,
                contribution=ContributionFactory(model=improvement.model, licence="MIT"),
                basis_points=basis_points,
            )
        return Improvement.objects.get(pk=improvement.pk)

    return make


def test_a_statement_names_both_artifacts_the_rows_and_the_evaluator(
    make: Callable[..., Improvement],
) -> None:
    improvement = make()
    statement = statement_of(improvement)
    predicate = statement["predicate"]
    [subject] = statement["subject"]
    candidate, benchmark = improvement.candidate, improvement.comparison.benchmark
    assert subject["digest"]["sha256"] == candidate.tree_digest
    assert subject["name"] == f"{candidate.model.model_id} v{candidate.number}"
    assert predicate["baseline"]["digest"]["sha256"] == improvement.baseline.tree_digest
    assert predicate["benchmark"] == {
        "id": benchmark.public_id,
        "digest": {"sha256": benchmark.dataset_version.rows_digest},
        "specDigest": {"sha256": benchmark.spec_digest},
        "sampleCount": ROWS,
    }
    evaluation = predicate["evaluation"]
    assert (evaluation["attempt"], evaluation["seed"]) == (2, benchmark.seed)
    assert evaluation["evaluator"]["revision"] == "1.4.2"
    kept = dict(improvement.comparison.evaluations.values_list("role", "outcomes_digest"))
    assert evaluation["outcomes"] == {role: {"sha256": d} for role, d in kept.items()}


def test_numbers_are_those_that_were_decided_on(make: Callable[..., Improvement]) -> None:
    improvement = make()
    statistics = improvement.comparison.statistics
    metrics = {m["name"]: m for m in statement_of(improvement)["predicate"]["metrics"]}
    accuracy, log_loss = metrics["accuracy"], metrics["log_loss"]
    assert accuracy["primary"]
    assert (accuracy["baseline"], accuracy["candidate"]) == (750_000, 875_000)
    assert accuracy["delta"] == improvement.delta_ppm == 125_000
    assert accuracy["interval"]["low"] == statistics["interval_low"]
    assert accuracy["test"]["alphaE9"] == statistics["alpha_e9"]
    assert accuracy["discordant"] == {"baselineOnly": 0, "candidateOnly": 50}
    assert not log_loss["primary"]
    assert log_loss["delta"] == 125_000
    assert log_loss["guardrail"]["margin"] == 50_000
    assert log_loss["guardrail"]["passed"]


def test_shares_name_address_rows_and_licence(make: Callable[..., Improvement]) -> None:
    improvement = make()
    listed = statement_of(improvement)["predicate"]["contributions"]
    given = {share.contribution.public_id: share for share in improvement.shares.all()}
    assert {item["id"] for item in listed} == set(given)
    for item in listed:
        share = given[item["id"]]
        assert item["contributor"] == f"eip155:1:{share.contribution.wallet.address}"
        assert item["weightBps"] == share.basis_points
        assert item["rows"] == share.contribution.dataset_version.row_count
        assert item["licence"] == "MIT"


def test_the_statement_depends_on_no_order_of_rows(make: Callable[..., Improvement]) -> None:
    improvement = make(points=(5_000, 5_000))
    before = statement_of(improvement)
    # Equal shares come in any order: the first becomes the last that was written.
    first = improvement.shares.order_by("pk")[0]
    first.delete()
    ShareFactory(improvement=improvement, contribution=first.contribution, basis_points=5_000)
    assert statement_of(Improvement.objects.get(pk=improvement.pk)) == before


@pytest.mark.parametrize(
    "change",
    [
        {"delta": lambda s: s.update(candidate_score=s["candidate_score"] + 1, interval_low=-1)},
        {"p": lambda s: s.update(p_e9=s["alpha_e9"] + 2)},
        {"interval": lambda s: s.update(interval_low=s["interval_high"] + 1)},
        {"guardrail": lambda s: s["guardrails"][0].update(passed=False)},
        {"tier": lambda s: s["evaluator"].update(isolation_tier="Z")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_numbers_that_do_not_support_the_decision_make_no_statement(
    make: Callable[..., Improvement], change: dict[str, Callable[[dict[str, Any]], None]]
) -> None:
    improvement = make()
    next(iter(change.values()))(improvement.comparison.statistics)
    with pytest.raises(StatementError):
        statement_of(improvement)


def test_shares_that_are_not_the_whole_make_no_statement(make: Callable[..., Improvement]) -> None:
    for points in ((6_000, 3_999), (10_000, 1)):
        with pytest.raises(StatementError, match="sum"):
            statement_of(make(points=points))
