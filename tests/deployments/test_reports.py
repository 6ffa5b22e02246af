import pytest

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.reports import deployment_board
from tests.factories import DeploymentFactory, RevisionFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def test_the_board_shows_the_live_revision_even_while_another_starts():
    live = RevisionFactory(status=RevisionStatus.LIVE)
    RevisionFactory(deployment=live.deployment, status=RevisionStatus.STARTING)
    (line,) = deployment_board(member(live.project))
    assert (line.revision, line.status) == (live.number, RevisionStatus.LIVE)
    assert line.version == live.version.number


def test_strangers_see_no_deployment_of_a_private_project():
    RevisionFactory(status=RevisionStatus.LIVE)
    assert deployment_board(UserFactory()) == []


def test_a_stopped_deployment_serves_nothing():
    place = DeploymentFactory(status=DeploymentStatus.STOPPED)
    (line,) = deployment_board(member(place.project))
    assert (line.status, line.revision, line.endpoint) == (DeploymentStatus.STOPPED, None, "")


def test_the_board_costs_two_queries_whatever_its_length(django_assert_num_queries):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    for _ in range(4):
        RevisionFactory(deployment__model__project=live.project, status=RevisionStatus.LIVE)
    person = member(live.project)
    with django_assert_num_queries(2):
        assert len(deployment_board(person)) == 5
