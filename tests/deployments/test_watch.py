import pytest

from deployments import serving_stats, watch
from deployments.choices import RevisionStatus
from deployments.endpoints import target_of_revision
from deployments.models import Deployment, Revision
from deployments.providers import InvalidSpec, ProviderUnavailable, ServeSpec
from hokusai.core.errors import OutsideUnavailable
from tests.factories import RevisionFactory

pytestmark = pytest.mark.django_db


def test_a_live_revision_whose_process_is_gone_is_served_again(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    assert watch.watch_revisions().served_again == (live.public_id,)
    assert memory.served[live.public_id].tree_digest == live.digest
    assert Revision.objects.get().endpoint == f"memory:{live.public_id}"
    assert watch.watch_revisions().served_again == ()


def test_a_process_without_a_row_is_ended(memory):
    retired = RevisionFactory(status=RevisionStatus.RETIRED)
    for revision_id in (retired.public_id, "rev_unknown"):
        memory.served[revision_id] = ServeSpec(revision_id, "prj_a", "a" * 64, 1)
    assert set(watch.watch_revisions().ended) == {retired.public_id, "rev_unknown"}
    assert memory.served == {}


def test_a_revision_that_is_starting_keeps_its_process(memory):
    starting = RevisionFactory(status=RevisionStatus.STARTING)
    memory.served[starting.public_id] = ServeSpec(starting.public_id, "prj_a", "a" * 64, 1)
    assert watch.watch_revisions().ended == ()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidSpec("The model's files are not in the store."), RevisionStatus.FAILED),
        (ProviderUnavailable("No room; not in the store of today."), RevisionStatus.LIVE),
    ],
)
def test_one_that_cannot_be_served_again_says_why_and_stops_no_other(
    memory, monkeypatch, error, status
):
    broken, sound = RevisionFactory.create_batch(2, status=RevisionStatus.LIVE)
    deploy = memory.deploy

    def refuse_one(spec, timeout_s):
        if spec.revision_id == broken.public_id:
            raise error
        return deploy(spec, timeout_s=timeout_s)

    monkeypatch.setattr(memory, "deploy", refuse_one)
    assert watch.watch_revisions().served_again == (sound.public_id,)
    broken.refresh_from_db()
    assert broken.status == status
    assert "not in the store" in broken.error


def test_what_is_kept_for_a_roll_back_is_kept_served(memory):
    standby = RevisionFactory(status=RevisionStatus.STANDBY)
    assert watch.watch_revisions().served_again == (standby.public_id,)
    assert watch.watch_revisions() == watch.Watched((), ())


def test_a_provider_is_told_again_what_changed_of_the_policy(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    watch.watch_revisions()
    Deployment.objects.update(idle_s=7)
    assert watch.watch_revisions().served_again == (live.public_id,)
    assert memory.served[live.public_id].idle_s == 7
    Deployment.objects.update(memory_bytes=1 << 27)
    watch.serve_as_told(live.deployment.public_id)
    assert memory.served[live.public_id].memory_bytes == 1 << 27


def test_a_look_keeps_what_the_pages_show(memory, monkeypatch):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    watch.watch_revisions()
    memory.deploy(ServeSpec("bat_other", "prj_a", "a" * 64, 1), timeout_s=1)
    watch.look_at_providers()
    seen = serving_stats.of([live.public_id, "bat_other"])
    assert {name: stats.state for name, stats in seen.items()} == {live.public_id: "running"}
    assert serving_stats.health_of("local").formats == ("onnx", "skops", "pyfunc")


def test_a_provider_that_is_away_is_left_for_the_next_time(memory, monkeypatch):
    RevisionFactory(status=RevisionStatus.LIVE)

    def away(timeout_s):
        raise OutsideUnavailable("away")

    monkeypatch.setattr(memory, "serving", away)
    assert watch.watch_revisions() == watch.Watched((), ())


def test_a_revision_retired_meanwhile_is_not_served_again(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    target = target_of_revision(live.public_id)
    Revision.objects.update(status=RevisionStatus.RETIRED)
    with pytest.raises(OutsideUnavailable):
        watch.serve_again(target)
    assert memory.served == {}
