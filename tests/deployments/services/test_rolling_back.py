import pytest

from deployments.choices import RevisionStatus
from deployments.endpoints import target_of_deployment
from deployments.exceptions import DeployChecksFailed, NothingToRollBackTo
from deployments.models import Revision
from deployments.services import roll_back, stop_deployment
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict
from hokusai.core.models import Event, Job
from tests.factories import ModelVersionFactory, RevisionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return actor_of(UserFactory())


@pytest.fixture
def kept_and_live(past_and_present) -> tuple[Revision, Revision]:
    before, live = past_and_present
    before.status = RevisionStatus.STANDBY
    before.endpoint = "memory:before"
    before.save()
    return before, live


def test_rolling_back_makes_the_kept_revision_live_without_a_job_or_a_call(
    actor, kept_and_live, doorbell, django_assert_max_num_queries
):
    before, live = kept_and_live
    doorbell.rings.clear()
    with django_assert_max_num_queries(22):
        assert roll_back(deployment_id=live.deployment_id, actor=actor).pk == before.pk
    target = target_of_deployment(live.deployment.public_id)
    assert (target.revision_id, target.handle) == (before.public_id, "memory:before")
    live.refresh_from_db()
    assert live.status == RevisionStatus.STANDBY
    assert not Job.objects.exists()
    assert doorbell.rings == []
    (event,) = Event.objects.all()
    assert event.tag == "deployment:rolled_back"
    assert (event.before["number"], event.after["number"]) == (live.number, before.number)


def test_rolling_back_twice_leads_forth_again(actor, kept_and_live):
    _, live = kept_and_live
    roll_back(deployment_id=live.deployment_id, actor=actor)
    assert roll_back(deployment_id=live.deployment_id, actor=actor).pk == live.pk


def test_a_version_that_its_successor_displaced_may_serve_again(actor, kept_and_live):
    _, live = kept_and_live
    archived = ModelVersionFactory(model=live.deployment.model, stage="archived")
    before = RevisionFactory(deployment=live.deployment, version=archived, live_at=live.live_at)
    Revision.objects.standby().update(status=RevisionStatus.RETIRED)
    Revision.objects.filter(pk=before.pk).update(status=RevisionStatus.STANDBY)
    live.deployment.required_stage = "production"
    live.deployment.save()
    assert roll_back(deployment_id=live.deployment_id, actor=actor).pk == before.pk


@pytest.mark.parametrize(
    "fields",
    [
        {"deprecated_at": "2026-01-01T00:00Z"},
        {"artifact_state": "failed", "tree_digest": ""},
    ],
)
def test_a_version_that_was_retired_or_lost_is_not_rolled_back_to(actor, kept_and_live, fields):
    before, live = kept_and_live
    type(before.version).objects.filter(pk=before.version_id).update(**fields)
    with pytest.raises(DeployChecksFailed):
        roll_back(deployment_id=live.deployment_id, actor=actor)
    live.refresh_from_db()
    assert live.status == RevisionStatus.LIVE


def test_where_none_is_kept_the_version_that_served_before_is_rolled_out(actor, past_and_present):
    before, now = past_and_present
    revision = roll_back(deployment_id=now.deployment_id, actor=actor)
    assert (revision.version, revision.status) == (before.version, RevisionStatus.PENDING)
    assert revision.number == now.number + 1
    assert Event.objects.get(tag="revision:requested").after["rolled_back_to"] == before.number


def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(actor):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    with pytest.raises(NothingToRollBackTo):
        roll_back(deployment_id=live.deployment_id, actor=actor)


def test_a_rollout_under_way_is_not_rolled_back(actor, kept_and_live):
    _, live = kept_and_live
    RevisionFactory(deployment=live.deployment)
    with pytest.raises(Conflict):
        roll_back(deployment_id=live.deployment_id, actor=actor)


def test_a_stopped_deployment_is_not_rolled_back(actor, kept_and_live):
    _, live = kept_and_live
    stop_deployment(deployment_id=live.deployment_id, actor=actor)
    with pytest.raises(Conflict):
        roll_back(deployment_id=live.deployment_id, actor=actor)
