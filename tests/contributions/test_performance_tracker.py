import pytest

import contributions
from contributions import PerformanceTracker
from contributions.rollups import roll_up
from hokusai.accounts.choices import Role
from hokusai.core.errors import Conflict, NotFound
from tests.factories import (
    AttestationFactory,
    ComparisonFactory,
    ModelVersionFactory,
    ShareFactory,
    member,
    wallet_address,
)

pytestmark = pytest.mark.django_db


def test_an_improvement_is_tracked_once() -> None:
    baseline = ModelVersionFactory(artifact_state="ready", tree_digest="a" * 64)
    candidate = ModelVersionFactory(
        model=baseline.model, number=2, artifact_state="ready", tree_digest="b" * 64
    )
    comparison = ComparisonFactory(
        benchmark__project=baseline.model.project,
        baseline=baseline,
        candidate=candidate,
        status="accepted",
        delta_ppm=20_000,
    )
    tracker = PerformanceTracker(user=member(baseline.model.project, Role.ENGINEER))
    improvement = tracker.track_improvement(comparison)
    assert improvement is not None
    assert improvement.delta_ppm == 20_000
    assert tracker.track_improvement(comparison) == improvement


def test_a_refused_comparison_is_no_improvement() -> None:
    comparison = ComparisonFactory(status="refused")
    tracker = PerformanceTracker(user=member(comparison.project, Role.ENGINEER))
    with pytest.raises(Conflict):
        tracker.track_improvement(comparison)


def test_impact_is_what_the_shares_say() -> None:
    share = ShareFactory(basis_points=2_500, improvement__delta_ppm=40_000)
    roll_up(statement_id=AttestationFactory(improvement=share.improvement).statement_id)
    tracker = PerformanceTracker(user=member(share.improvement.project, Role.VIEWER))
    impact = tracker.log_contribution_impact(share.contribution.wallet.address.lower())
    [total] = impact.totals
    assert total.credited_ppm == 10_000


def test_nobody_has_an_impact_without_a_contribution() -> None:
    share = ShareFactory()
    tracker = PerformanceTracker(user=member(share.improvement.project, Role.VIEWER))
    with pytest.raises(NotFound):
        tracker.log_contribution_impact(wallet_address())


def test_the_package_has_no_other_face() -> None:
    with pytest.raises(AttributeError, match="nothing_else"):
        _ = contributions.nothing_else
