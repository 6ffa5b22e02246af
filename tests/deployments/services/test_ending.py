import pytest

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Revision
from deployments.services import stop_deployment
from hokusai.accounts.services import actor_of
from hokusai.core.errors import InvalidTransition
from hokusai.core.models import Event
from tests.factories import DeploymentFactory, RevisionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return actor_of(UserFactory())


def test_stopping_retires_every_revision_and_rings_for_its_end(
    actor, doorbell, django_capture_on_commit_callbacks
):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    standby = RevisionFactory(status=RevisionStatus.STANDBY, deployment=live.deployment)
    with django_capture_on_commit_callbacks(execute=True):
        stopped = stop_deployment(deployment_id=live.deployment_id, actor=actor)
    assert stopped.status == DeploymentStatus.STOPPED
    assert set(Revision.objects.values_list("status", flat=True)) == {RevisionStatus.RETIRED}
    assert set(doorbell.of("deployments.end_revision")) == {live.public_id, standby.public_id}


def test_stopping_twice_is_a_conflict(actor):
    place = DeploymentFactory()
    stop_deployment(deployment_id=place.pk, actor=actor)
    with pytest.raises(InvalidTransition):
        stop_deployment(deployment_id=place.pk, actor=actor)
    assert [event.tag for event in Event.objects.all()] == ["deployment:stopped"]
