import pytest

from deployments import watch
from deployments.choices import RevisionStatus
from deployments.endpoints import target_of_revision
from deployments.models import Revision
from deployments.providers import ServeSpec
from deployments.providers.errors import InvalidSpec
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


def test_one_that_cannot_be_served_again_says_why_and_stops_no_other(memory, monkeypatch):
    broken, sound = RevisionFactory.create_batch(2, status=RevisionStatus.LIVE)
    deploy = memory.deploy

    def refuse_one(spec, timeout_s):
        if spec.revision_id == broken.public_id:
            raise InvalidSpec("The model's files are not in the store.")
        return deploy(spec, timeout_s=timeout_s)

    monkeypatch.setattr(memory, "deploy", refuse_one)
    assert watch.watch_revisions().served_again == (sound.public_id,)
    broken.refresh_from_db()
    assert "not in the store" in broken.error


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
