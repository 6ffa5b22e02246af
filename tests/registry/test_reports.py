from datetime import timedelta

import pytest
from django.utils import timezone

from hokusai.accounts.choices import Role, Visibility
from hokusai.core.choices import WorkStatus
from registry.choices import EdgeKind, SyncState
from registry.models import ModelVersion
from registry.reports import (
    lineage_around,
    metric_history,
    sync_backlog,
    versions_per_week,
    weeks_until_now,
)
from tests.factories import (
    DeliveryFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    MembershipFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member():
    return MembershipFactory(role=Role.ENGINEER)


def test_weeks_are_mondays_and_this_week_is_last() -> None:
    weeks = weeks_until_now(3)
    assert [monday.weekday() for monday in weeks] == [0, 0, 0]
    assert weeks[1] - weeks[0] == timedelta(weeks=1)
    assert timedelta(0) <= timezone.now().date() - weeks[-1] < timedelta(weeks=1)


def test_versions_are_counted_by_week_in_ones_projects_alone(member) -> None:
    model = ModelFactory(project=member.project)
    old = ModelVersionFactory(model=model)
    ModelVersionFactory(model=model)
    ModelVersionFactory()
    ModelVersion.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(weeks=2))
    values = [week.value for week in versions_per_week(member.user, weeks=4)]
    assert values == [0, 1, 0, 1]


def test_the_backlog_tells_what_waits_conflicts_and_is_parked(member) -> None:
    model = ModelFactory(project=member.project)
    ModelVersionFactory(model=model, sync_state=SyncState.PENDING)
    ModelVersionFactory(model=model, sync_state=SyncState.CONFLICT)
    ModelVersionFactory(model=model, sync_state=SyncState.SYNCED)
    ModelVersionFactory(sync_state=SyncState.PENDING)
    DeliveryFactory(status=WorkStatus.FAILED, event__project_id=member.project.pk)
    DeliveryFactory(status=WorkStatus.FAILED)
    backlog = sync_backlog(member.user)
    assert (backlog.pending, backlog.conflict, backlog.parked) == (1, 1, 1)
    assert backlog.oldest_s is not None


def test_nothing_waiting_has_no_age(member) -> None:
    assert sync_backlog(member.user).oldest_s is None


def test_history_is_by_number_and_leaves_out_versions_without_the_metric(member) -> None:
    model = ModelFactory(project=member.project)
    for number, metrics in ((2, {"f1": 0.5}), (1, {"f1": 0.25}), (3, {}), (4, {"f1": "high"})):
        ModelVersionFactory(model=model, number=number, metrics=metrics)
    scores = metric_history(model, "f1", member.user)
    assert [(score.number, score.score) for score in scores] == [(1, 0.25), (2, 0.5)]


@pytest.mark.parametrize("metric", ["top 1", "a__b", 'f"1', "it's; --", "0"])
def test_history_knows_every_name_that_mlflow_takes(member, metric: str) -> None:
    version = ModelVersionFactory(model__project=member.project, metrics={metric: 0.5})
    assert [score.score for score in metric_history(version.model, metric, member.user)] == [0.5]


def test_history_of_a_hidden_model_is_empty_and_of_a_public_one_is_not() -> None:
    version = ModelVersionFactory(metrics={"f1": 0.5})
    stranger = UserFactory()
    assert metric_history(version.model, "f1", stranger) == []
    public = ModelVersionFactory(
        metrics={"f1": 0.5}, model__project=ProjectFactory(visibility=Visibility.PUBLIC)
    )
    assert len(metric_history(public.model, "f1", stranger)) == 1


def test_graphs_around_several_things_are_one_without_repeats(member) -> None:
    a, b, c = (LineageNodeFactory(project=member.project) for _ in range(3))
    LineageEdgeFactory(src=a, dst=b, kind=EdgeKind.PARENT)
    LineageEdgeFactory(src=b, dst=c, kind=EdgeKind.PARENT)
    graph = lineage_around(member.user, [a.public_id, c.public_id])
    assert sorted(node.public_id for node in graph.nodes) == sorted(
        node.public_id for node in (a, b, c)
    )
    assert len(graph.edges) == 2
