import threading

import pytest
from django.db import IntegrityError, connection

from deployments import rollout, services
from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.providers import InvalidSpec, Phase, ProviderState
from deployments.providers.memory import MemoryProvider
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.errors import OutsideUnavailable
from hokusai.core.models import Event, Job
from hokusai.core.services import cancel_job, retry_job
from registry.models import LineageEdge
from tests.factories import ModelVersionFactory, RevisionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def actor():
    return actor_of(UserFactory())


@pytest.fixture
def pending(actor, memory) -> Revision:
    return services.deploy(version=ModelVersionFactory(), actor=actor, slug="trial")


def next_one(revision: Revision, actor) -> Revision:
    version = ModelVersionFactory(model=revision.deployment.model)
    return services.deploy(version=version, actor=actor, slug="trial")


def statuses(*revisions: Revision) -> list[str]:
    return [Revision.objects.get(pk=revision.pk).status for revision in revisions]


def lease_runs_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at="2000-01-01T00:00Z")


def test_a_rollout_ends_with_a_live_revision_of_the_versions_bytes(pending, run_job, memory):
    assert run_job(pending.job).status == "succeeded"
    pending.refresh_from_db()
    assert pending.status == RevisionStatus.LIVE
    assert memory.served[pending.public_id].tree_digest == pending.version.tree_digest
    assert pending.endpoint == f"memory:{pending.public_id}"
    assert LineageEdge.objects.get(kind="served_by").src.public_id == pending.version.public_id


def test_the_old_revision_is_kept_and_the_one_before_it_ends_after_the_switch(
    pending, run_job, memory, actor, doorbell
):
    run_job(pending.job)
    second = next_one(pending, actor)
    run_job(second.job)
    assert statuses(pending, second) == [RevisionStatus.STANDBY, RevisionStatus.LIVE]
    assert set(memory.served) == {pending.public_id, second.public_id}
    assert doorbell.of("deployments.end_revision") == []
    third = next_one(pending, actor)
    run_job(third.job)
    assert statuses(pending, second, third) == [
        RevisionStatus.RETIRED,
        RevisionStatus.STANDBY,
        RevisionStatus.LIVE,
    ]
    assert doorbell.of("deployments.end_revision") == [pending.public_id]
    rollout.end_revision(pending.public_id)
    assert set(memory.served) == {second.public_id, third.public_id}


def test_a_provider_that_keeps_nothing_idle_ends_the_old_revision(
    pending, run_job, actor, doorbell, monkeypatch
):
    run_job(pending.job)
    monkeypatch.setattr(MemoryProvider, "capabilities", frozenset())
    second = next_one(pending, actor)
    run_job(second.job)
    assert statuses(pending, second) == [RevisionStatus.RETIRED, RevisionStatus.LIVE]
    assert doorbell.of("deployments.end_revision") == [pending.public_id]


def test_a_revision_keeps_its_version_and_its_digests(pending):
    for column, value in [("digest", "f" * 64), ("version", ModelVersionFactory()), ("number", 7)]:
        with pytest.raises(IntegrityError, match="a revision keeps"):
            Revision.objects.filter(pk=pending.pk).update(**{column: value})


def test_a_version_that_fails_on_its_input_example_never_goes_live(run_job, memory, actor):
    version = ModelVersionFactory(input_example={"columns": ["a"], "data": [[1.0]]})
    memory.models[version.tree_digest] = lambda row: {"prediction": row["b"]}
    revision = services.deploy(version=version, actor=actor, slug="trial")
    assert run_job(revision.job).status == "failed"
    revision.refresh_from_db()
    assert revision.status == RevisionStatus.FAILED
    assert "KeyError" in revision.error


def test_an_example_that_does_not_fit_is_noted(run_job, memory, actor):
    version = ModelVersionFactory(input_example=[{"a": "one"}])
    revision = services.deploy(version=version, actor=actor, slug="trial")
    assert "example does not fit" in run_job(revision.job).log
    assert statuses(revision) == [RevisionStatus.LIVE]


@pytest.mark.parametrize("killed_in", ["_prove", "_switch"])
def test_a_rollout_killed_in_the_middle_is_finished_by_the_next_worker(
    pending, run_job, memory, monkeypatch, killed_in
):
    with monkeypatch.context() as patched:

        def die(*args: object) -> None:
            raise SystemExit(9)

        patched.setattr(rollout, killed_in, die)
        with pytest.raises(SystemExit):
            jobs.run(pending.job.pk)
    lease_runs_out(pending.job)
    assert run_job(pending.job).status == "succeeded"
    assert [row.public_id for row in Revision.objects.live()] == [pending.public_id]
    assert set(memory.served) == {pending.public_id}
    assert Event.objects.filter(tag="revision:live").count() == 1


def test_running_a_finished_rollout_again_changes_nothing(pending, run_job):
    run_job(pending.job)
    run_job(pending.job)
    assert Event.objects.filter(tag="revision:live").count() == 1


def test_a_stale_worker_cannot_switch(pending, run_job, monkeypatch):
    prove = rollout._prove

    def lose_the_lease(*args: object) -> None:
        prove(*args)
        Job.objects.filter(pk=pending.job.pk).update(token=99)

    monkeypatch.setattr(rollout, "_prove", lose_the_lease)
    run_job(pending.job)
    pending.refresh_from_db()
    assert pending.status == RevisionStatus.STARTING


def test_wrong_bytes_never_go_live(pending, run_job, memory, monkeypatch, doorbell):
    wrong = ProviderState(Phase.RUNNING, "f" * 64)
    monkeypatch.setattr(memory, "status", lambda handle, timeout_s: wrong)
    assert run_job(pending.job).status == "failed"
    pending.refresh_from_db()
    assert pending.status == RevisionStatus.FAILED
    assert "bytes" in pending.error
    assert doorbell.of("deployments.end_revision") == [pending.public_id]


def test_a_refused_version_leaves_the_old_one_serving(pending, run_job, memory, actor, monkeypatch):
    run_job(pending.job)
    second = next_one(pending, actor)

    def refuse(spec, timeout_s):
        raise InvalidSpec("This format is refused.")

    monkeypatch.setattr(memory, "deploy", refuse)
    run_job(second.job)
    assert [row.public_id for row in Revision.objects.live()] == [pending.public_id]
    assert Revision.objects.get(pk=second.pk).error == "This format is refused."


def test_a_provider_that_is_away_is_waited_for(pending, run_job, memory, monkeypatch):
    def away(spec, timeout_s):
        raise OutsideUnavailable("The model runner does not answer.")

    monkeypatch.setattr(memory, "deploy", away)
    assert run_job(pending.job).status == "queued"
    pending.refresh_from_db()
    assert pending.status == RevisionStatus.STARTING


def test_stopping_during_a_rollout_undoes_the_endpoint(
    pending, run_job, memory, actor, monkeypatch
):
    prove = rollout._prove

    def stop_meanwhile(*args: object) -> None:
        prove(*args)
        services.stop_deployment(deployment_id=pending.deployment_id, actor=actor)

    monkeypatch.setattr(rollout, "_prove", stop_meanwhile)
    run_job(pending.job)
    assert Revision.objects.get().status == RevisionStatus.RETIRED
    rollout.end_revision(pending.public_id)
    assert memory.served == {}


def test_the_later_of_two_requests_wins_whatever_runs_first(pending, run_job, actor):
    second = next_one(pending, actor)
    run_job(second.job)
    run_job(pending.job)
    assert [row.public_id for row in Revision.objects.live()] == [second.public_id]
    assert Revision.objects.get(pk=pending.pk).status == RevisionStatus.RETIRED


def test_two_rollouts_at_once_leave_one_live_revision(pending, actor):
    second = next_one(pending, actor)
    together = threading.Barrier(2)

    def run(job: Job) -> None:
        together.wait()
        jobs.run(job.pk)
        connection.close()

    threads = [threading.Thread(target=run, args=[row.job]) for row in (pending, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.public_id for row in Revision.objects.live()] == [second.public_id]


def test_a_cancelled_rollout_fails_its_revision_and_may_be_tried_again(pending, run_job, actor):
    cancel_job(job_id=pending.job.pk, actor=actor)
    pending.refresh_from_db()
    assert pending.status == RevisionStatus.FAILED
    retry_job(job_id=pending.job.pk, actor=actor)
    run_job(pending.job)
    pending.refresh_from_db()
    assert (pending.status, pending.error) == (RevisionStatus.LIVE, "")


def test_a_failed_rollout_tried_again_does_not_replace_a_newer_one(pending, run_job, actor):
    cancel_job(job_id=pending.job.pk, actor=actor)
    second = next_one(pending, actor)
    run_job(second.job)
    retry_job(job_id=pending.job.pk, actor=actor)
    run_job(pending.job)
    assert [row.public_id for row in Revision.objects.live()] == [second.public_id]


@pytest.mark.parametrize("status", [RevisionStatus.LIVE, RevisionStatus.STANDBY])
def test_what_is_kept_is_never_ended_by_a_late_task(memory, status):
    live = RevisionFactory(status=status)
    memory.served[live.public_id] = None
    rollout.end_revision(live.public_id)
    assert live.public_id in memory.served
