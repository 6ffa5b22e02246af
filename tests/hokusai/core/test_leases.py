from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from hokusai.core import leases
from hokusai.core.choices import WorkStatus
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.core.models import Job
from tests.factories import JobFactory, ProjectFactory
from tests.racing import race


def claimed() -> Job:
    job = leases.claim(Job, JobFactory().pk)
    assert job is not None
    return job


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_of_one_job_one_wins() -> None:
    job = JobFactory()
    won = race(*[lambda: leases.claim(Job, job.pk)] * 4)
    assert [row.token for row in won if row is not None] == [1]


@pytest.mark.django_db
def test_claiming_counts_an_attempt_and_sets_a_lease() -> None:
    job = claimed()
    assert (job.status, job.attempt, job.token) == (WorkStatus.RUNNING, 1, 1)
    assert job.lease_expires_at is not None
    assert 50 < (job.lease_expires_at - timezone.now()).total_seconds() <= 60


@pytest.mark.django_db
def test_a_row_that_is_not_due_cannot_be_claimed() -> None:
    job = JobFactory(run_after=timezone.now() + timedelta(minutes=1))
    assert leases.claim(Job, job.pk) is None


@pytest.mark.django_db
@pytest.mark.parametrize("status", sorted(WorkStatus.terminal()))
def test_an_ended_row_cannot_be_claimed(status: str) -> None:
    assert leases.claim(Job, JobFactory(status=status).pk) is None


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_claimed_again_under_a_new_token() -> None:
    first = claimed()
    assert leases.claim(Job, first.pk) is None
    expire(first)
    second = leases.claim(Job, first.pk)
    assert second is not None
    assert (second.token, second.attempt) == (2, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda job: leases.finish(job, WorkStatus.SUCCEEDED),
        lambda job: leases.fenced(job).__enter__(),
    ],
    ids=["finish", "fenced"],
)
def test_a_stale_token_is_refused(write: Callable[[Job], None]) -> None:
    stale = claimed()
    expire(stale)
    leases.claim(Job, stale.pk)
    with pytest.raises(LeaseLost):
        write(stale)
    present = Job.objects.get(pk=stale.pk)
    assert (present.status, present.token) == (WorkStatus.RUNNING, 2)


@pytest.mark.django_db(transaction=True)
def test_a_stale_worker_writes_nothing() -> None:
    stale, project = claimed(), ProjectFactory(name="before")
    expire(stale)
    leases.claim(Job, stale.pk)
    with pytest.raises(LeaseLost), leases.fenced(stale):
        project.name = "after"
        project.save()
    project.refresh_from_db()
    assert project.name == "before"


@pytest.mark.django_db(transaction=True)
def test_what_fails_inside_the_fence_is_rolled_back() -> None:
    job, project = claimed(), ProjectFactory(name="before")
    with pytest.raises(ZeroDivisionError), leases.fenced(job):
        project.name = "after"
        project.save()
        leases.finish(job, WorkStatus.SUCCEEDED)
        raise ZeroDivisionError
    project.refresh_from_db()
    job.refresh_from_db()
    assert (project.name, job.status) == ("before", WorkStatus.RUNNING)


@pytest.mark.django_db
def test_renewing_a_lost_lease_says_so_and_changes_nothing() -> None:
    stale = claimed()
    assert leases.renew(stale)
    expire(stale)
    leases.claim(Job, stale.pk)
    before = Job.objects.get(pk=stale.pk).lease_expires_at
    assert not leases.renew(stale)
    assert Job.objects.get(pk=stale.pk).lease_expires_at == before


@pytest.mark.django_db
def test_putting_back_waits_longer_each_time_and_at_most_a_minute(
    settings: Settings,
) -> None:
    settings.RETRY_BASE_S = 2.0
    job, pauses = JobFactory(), []
    for _ in range(7):
        Job.objects.filter(pk=job.pk).update(run_after=Now())
        row = leases.claim(Job, job.pk)
        assert row is not None
        leases.put_back(row, "no answer")
        present = Job.objects.get(pk=job.pk)
        pauses.append(round((present.run_after - timezone.now()).total_seconds()))
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert (present.status, present.attempt) == (WorkStatus.QUEUED, 0)
    assert present.last_error == "no answer"


@pytest.mark.django_db
def test_a_stale_worker_cannot_put_the_row_back() -> None:
    stale = claimed()
    expire(stale)
    leases.claim(Job, stale.pk)
    leases.put_back(stale, "no answer")
    present = Job.objects.get(pk=stale.pk)
    assert (present.status, present.attempt) == (WorkStatus.RUNNING, 2)


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_keeps_the_lease(settings: Settings) -> None:
    settings.LEASE_S = 0.2
    job = claimed()
    first = job.lease_expires_at
    with Heartbeat(job) as heartbeat:
        for _ in range(200):
            job.refresh_from_db()
            if job.lease_expires_at != first or heartbeat.lost.wait(0.02):
                break
    assert job.lease_expires_at > first
    assert not heartbeat.lost.is_set()


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_notices_that_the_lease_is_lost(settings: Settings) -> None:
    settings.LEASE_S = 0.2
    job = claimed()
    Job.objects.filter(pk=job.pk).update(token=99)
    with Heartbeat(job) as heartbeat:
        assert heartbeat.lost.wait(60)
