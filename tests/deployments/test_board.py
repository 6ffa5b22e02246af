from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import board, board_cells, serving_stats
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision
from deployments.providers import Phase, ProviderHealth, ReplicaStats
from tests.factories import DeploymentFactory, RevisionFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def told(revision: Revision, tier: str = "A", **figures: Any) -> None:
    """The provider said this of a revision a moment ago."""
    stated = {"requests": 10, "p50_ms": 1.25, "p95_ms": 12.5, "memory_bytes": 9 << 20, **figures}
    replica = ReplicaStats(revision.public_id, Phase.RUNNING, tier=tier, **stated)
    serving_stats.keep("local", ProviderHealth(tier, ("onnx",), ()), [replica])


def standing_of(place: Deployment) -> board.Standing:
    return board.standings([place])[place.pk]


def test_the_live_revision_stands_for_its_place_whatever_came_after() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    failed = RevisionFactory(deployment=live.deployment, status=RevisionStatus.FAILED)
    found = standing_of(live.deployment)
    assert (found.state, found.revision, found.newer) == ("live", live, failed)


def test_a_failure_before_the_live_revision_is_history() -> None:
    failed = RevisionFactory(status=RevisionStatus.FAILED)
    RevisionFactory(deployment=failed.deployment, status=RevisionStatus.LIVE)
    assert standing_of(failed.deployment).newer is None


@pytest.mark.parametrize("status", [RevisionStatus.STARTING, RevisionStatus.FAILED])
def test_a_place_without_a_live_revision_says_how_its_first_is(status: RevisionStatus) -> None:
    first = RevisionFactory(status=status)
    assert standing_of(first.deployment).state == status


def test_a_place_where_nothing_was_deployed_is_empty() -> None:
    assert standing_of(DeploymentFactory()).state == board.EMPTY


def test_a_stopped_place_is_stopped_even_with_figures_of_a_moment_ago() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    told(live)
    live.deployment.status = DeploymentStatus.STOPPED
    found = standing_of(live.deployment)
    assert (found.state, found.stats) == ("stopped", None)


def test_places_of_other_projects_are_not_on_the_board() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    assert board.board_of(UserFactory(), 10) == []
    (seen,) = board.board_of(member(live.project), 10)
    assert seen.revision == live


def test_many_places_cost_as_many_queries_as_one(django_assert_num_queries: Any) -> None:
    places = [RevisionFactory(status=RevisionStatus.LIVE).deployment for _ in range(3)]
    with django_assert_num_queries(2):
        board.standings(places)


def test_a_provider_that_says_nothing_is_silent_where_something_serves() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE, deployment__provider="nowhere")
    assert board.summary([standing_of(live.deployment)]).silent
    assert not board.summary([standing_of(DeploymentFactory())]).silent


def test_the_weakest_tier_is_told() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    told(live, "C")
    summary = board.summary([standing_of(live.deployment)])
    assert (summary.weak, summary.silent) == (True, False)
    told(live, "A")
    assert not board.summary([standing_of(live.deployment)]).weak


def test_cells_show_the_figures_of_now_and_a_dash_without() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    assert "—" in board_cells.latency(standing_of(live.deployment))
    told(live)
    found = standing_of(live.deployment)
    assert "1.25 / 12.5 ms" in board_cells.latency(found)
    assert "tier A" in board_cells.tier(found)
    assert "0 %" in board_cells.errors(found)


def test_memory_near_its_limit_is_marked() -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE)
    told(live, memory_bytes=live.deployment.memory_bytes - 1)
    assert "hk-warning" in board_cells.memory(standing_of(live.deployment))


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=3), ">3 s<"),
        (timedelta(minutes=59, seconds=59), ">59 min<"),
        (timedelta(hours=30), ">1 d<"),
    ],
)
def test_the_board_says_for_how_long_in_one_unit(age: timedelta, shown: str) -> None:
    live = RevisionFactory(status=RevisionStatus.LIVE, live_at=timezone.now() - age)
    assert shown in board_cells.since(standing_of(live.deployment))
