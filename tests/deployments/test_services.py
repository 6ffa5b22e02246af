import threading

import pytest
from django.db import connection

from deployments import services
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.exceptions import AlreadyServed, DeployChecksFailed, NothingToRollBackTo
from deployments.models import Deployment, Revision
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from tests.factories import (
    DeploymentFactory,
    ModelVersionFactory,
    RevisionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return actor_of(UserFactory())


def tags() -> list[str]:
    return list(Event.objects.order_by("id").values_list("tag", flat=True))


def test_deploying_makes_the_place_a_revision_and_its_job(actor):
    version = ModelVersionFactory()
    revision = services.deploy(version=version, actor=actor)
    assert (revision.number, revision.status) == (1, RevisionStatus.PENDING)
    assert revision.digest == version.tree_digest
    assert Job.objects.get().subject == revision.public_id
    assert tags() == ["deployment:created", "revision:requested"]


def test_a_second_deployment_of_the_same_place_counts_on(actor):
    first = ModelVersionFactory()
    services.deploy(version=first, actor=actor)
    second = services.deploy(version=ModelVersionFactory(model=first.model), actor=actor)
    assert second.number == 2
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    "fields", [{"artifact_state": "pending", "tree_digest": ""}, {"stage": "archived"}]
)
def test_only_ready_versions_that_are_not_archived_are_deployed(actor, fields):
    with pytest.raises(DeployChecksFailed) as caught:
        services.deploy(version=ModelVersionFactory(**fields), actor=actor)
    assert "artifact_ready" in caught.value.context["failed"]
    assert not Revision.objects.exists()


def test_an_unknown_provider_is_invalid(actor):
    with pytest.raises(InvalidInput):
        services.deploy(version=ModelVersionFactory(), actor=actor, provider="moon")


def test_the_version_that_serves_is_not_deployed_again(actor):
    revision = RevisionFactory(status=RevisionStatus.LIVE)
    with pytest.raises(AlreadyServed):
        services.deploy(version=revision.version, actor=actor)


def test_the_platform_itself_deploys_nothing(actor):
    with pytest.raises(Forbidden):
        services.deploy(version=ModelVersionFactory(), actor=SYSTEM)


def test_deploying_to_a_stopped_place_starts_it_again(actor):
    place = DeploymentFactory(status=DeploymentStatus.STOPPED)
    revision = services.deploy(version=ModelVersionFactory(model=place.model), actor=actor)
    assert revision.deployment.status == DeploymentStatus.ACTIVE


def test_stopping_retires_every_revision_and_rings_for_its_end(
    actor, doorbell, django_capture_on_commit_callbacks
):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    with django_capture_on_commit_callbacks(execute=True):
        stopped = services.stop_deployment(deployment_id=live.deployment_id, actor=actor)
    live.refresh_from_db()
    assert stopped.status == DeploymentStatus.STOPPED
    assert live.status == RevisionStatus.RETIRED
    assert doorbell.of("deployments.end_revision") == [live.public_id]


def test_stopping_twice_is_a_conflict(actor):
    place = DeploymentFactory()
    services.stop_deployment(deployment_id=place.pk, actor=actor)
    with pytest.raises(InvalidTransition):
        services.stop_deployment(deployment_id=place.pk, actor=actor)
    assert tags() == ["deployment:stopped"]


def test_rolling_back_requests_the_version_that_was_live_before(actor, past_and_present):
    before, now = past_and_present
    revision = services.roll_back(deployment_id=now.deployment_id, actor=actor)
    assert revision.version == before.version
    assert revision.number == now.number + 1
    assert Event.objects.get(tag="revision:requested").after["rolled_back_to"] == before.number


def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(actor):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    with pytest.raises(NothingToRollBackTo):
        services.roll_back(deployment_id=live.deployment_id, actor=actor)


def test_a_rollout_under_way_is_not_rolled_back(actor, past_and_present):
    _, now = past_and_present
    RevisionFactory(deployment=now.deployment)
    with pytest.raises(Conflict):
        services.roll_back(deployment_id=now.deployment_id, actor=actor)


def test_a_stopped_deployment_is_not_rolled_back(actor, past_and_present):
    _, now = past_and_present
    services.stop_deployment(deployment_id=now.deployment_id, actor=actor)
    with pytest.raises(Conflict):
        services.roll_back(deployment_id=now.deployment_id, actor=actor)


@pytest.mark.django_db(transaction=True)
def test_two_deploys_at_once_get_two_numbers_at_one_place(actor):
    first = ModelVersionFactory()
    second = ModelVersionFactory(model=first.model)
    failures: list[Exception] = []

    def deploy(version):
        try:
            services.deploy(version=version, actor=actor)
        except Conflict as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=deploy, args=[one]) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(Revision.objects.values_list("number", flat=True)) == [1, 2]
    assert Deployment.objects.count() == 1
