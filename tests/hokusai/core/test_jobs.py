from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries, Settings
from structlog.contextvars import bound_contextvars

from hokusai.accounts.models import Project
from hokusai.core import jobs, leases, sweep
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, InvalidInput, OutsideUnavailable
from hokusai.core.events import current_request_id
from hokusai.core.jobs import JobCancelled, Work
from hokusai.core.leases import LeaseLost
from hokusai.core.models import Job
from hokusai.core.tasks import run_job
from tests.factories import JobFactory, ProjectFactory
from tests.hokusai.core.conftest import Doorbell, Handler, Worker
from tests.racing import race

pytestmark = pytest.mark.django_db


def new_job(**fields: object) -> Job:
    job: Job = JobFactory(kind="task", **fields)
    return job


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def write_result(work: Work) -> None:
    with work.result():
        Project.objects.create(slug=f"result-{Project.objects.count()}", name="result")


def test_a_job_runs_once_and_is_closed(task: Handler) -> None:
    job = new_job()
    jobs.run(job.pk)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert task.ran == [1]
    assert job.status == WorkStatus.SUCCEEDED
    assert job.finished_at is not None
    assert job.lease_expires_at is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_hear_one_ring_make_one_result(task: Handler) -> None:
    task.body = write_result
    job = new_job()
    race(*[lambda: jobs.run(job.pk)] * 4)
    assert len(task.ran) == Project.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_its_result_is_followed_by_another(
    task: Handler, doorbell: Doorbell
) -> None:
    task.body = write_result
    job = new_job()
    dead = leases.claim(Job, job.pk)
    assert sweep.ring_for_due_work() == 0
    expire(job)
    sweep.ring_for_due_work()
    assert doorbell.of("core.run_job") == [job.pk]
    jobs.run(job.pk)
    with pytest.raises(LeaseLost), leases.fenced(dead):
        Project.objects.create(slug="late", name="late")
    assert [row.name for row in Project.objects.all()] == ["result"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_overtaken_while_it_works_writes_nothing(task: Handler) -> None:
    job = new_job()

    def overtaken(work: Work) -> None:
        expire(work.job)
        task.body = write_result
        jobs.run(job.pk)
        write_result(work)

    task.body = overtaken
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.token) == (WorkStatus.SUCCEEDED, 2)
    assert Project.objects.count() == 1


def test_an_outage_puts_the_job_back_without_counting_an_attempt(task: Handler) -> None:
    job = new_job()

    def outage(work: Work) -> None:
        raise OutsideUnavailable("no answer")

    task.body = outage
    for _ in range(5):
        Job.objects.filter(pk=job.pk).update(run_after=Now())
        jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.token) == (WorkStatus.QUEUED, 0, 5)
    assert job.run_after > job.created_at + timedelta(seconds=20)
    assert task.told == []
    assert "waiting: no answer" in job.log


def test_an_outage_that_ends_gives_one_result(task: Handler) -> None:
    job = new_job()

    def outage(work: Work) -> None:
        task.body = write_result
        raise OutsideUnavailable("no answer")

    task.body = outage
    jobs.run(job.pk)
    jobs.run(job.pk)
    assert len(task.ran) == 1
    Job.objects.filter(pk=job.pk).update(run_after=Now())
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, Project.objects.count()) == (WorkStatus.SUCCEEDED, 1)


def test_a_broken_rule_ends_the_job_and_tells_its_owner(task: Handler) -> None:
    job = new_job()

    def refused(work: Work) -> None:
        raise InvalidInput("unusable")

    task.body = refused
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.last_error) == (WorkStatus.FAILED, "unusable")
    assert task.told == [(job.subject, "unusable")]


def test_a_job_that_crashes_again_and_again_is_given_up(task: Handler, worker: Worker) -> None:
    job = new_job()

    def crash(work: Work) -> None:
        raise ZeroDivisionError("by zero")

    task.body = crash
    for _ in range(3):
        assert worker(run_job, job.pk).failed()
        expire(job)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert len(task.ran) == 3
    assert job.status == WorkStatus.FAILED
    assert task.told == [
        (job.subject, "Given up after 3 attempts; the last: ZeroDivisionError: by zero")
    ]


def test_a_crash_is_kept_beside_the_job_and_the_lease_decides(task: Handler) -> None:
    job = new_job()
    leases.claim(Job, job.pk)
    jobs.crashed(job.pk, ValueError("broken"))
    job.refresh_from_db()
    assert (job.status, job.last_error) == (WorkStatus.RUNNING, "ValueError: broken")


def test_a_job_of_an_unknown_kind_is_closed_with_a_reason(task: Handler) -> None:
    job = JobFactory(kind="forgotten")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == WorkStatus.FAILED
    assert "forgotten" in job.last_error


def test_cancelling_stops_a_running_job_at_its_next_step(task: Handler) -> None:
    job = new_job()

    def steps(work: Work) -> None:
        work.progress(10, "first step")
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        work.progress(20, "second step")
        raise AssertionError("went on")

    task.body = steps
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.progress) == (WorkStatus.CANCELLED, 20)
    assert task.told == [(job.subject, "Cancelled on request.")]


def test_a_lost_lease_stops_the_work_at_its_next_step(task: Handler) -> None:
    def steps(work: Work) -> None:
        work._heartbeat.lost.set()
        work.progress(10, "a step")
        raise AssertionError("went on")

    task.body = steps
    job = new_job()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == WorkStatus.RUNNING


def test_a_cancelled_job_says_so(task: Handler) -> None:
    work = Work(new_job(cancel_requested=True), leases.Heartbeat(JobFactory()))
    with pytest.raises(JobCancelled):
        work.check()


def test_progress_and_the_tail_of_the_log_are_kept(task: Handler) -> None:
    def chatty(work: Work) -> None:
        for number in range(2000):
            work.job.log += f"line {number}\n"
        work.progress(40, "the last line")

    task.body = chatty
    job = new_job()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert len(job.log) == jobs.LOG_TAIL
    assert job.log.endswith("the last line\n")


def test_a_result_closes_the_job_at_once(task: Handler) -> None:
    task.body = write_result
    job = new_job()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.progress) == (WorkStatus.SUCCEEDED, 100)


@pytest.mark.django_db(transaction=True)
def test_a_job_is_rung_for_once_its_transaction_commits(
    task: Handler, doorbell: Doorbell, settings: Settings
) -> None:
    settings.JOBS["task"]["queue"] = "signing"
    with transaction.atomic():
        job = jobs.enqueue("task", subject="mdv_1", project_id=None)
        assert doorbell.rings == []
    assert doorbell.rings == [("core.run_job", job.pk, "signing")]


@pytest.mark.django_db(transaction=True)
def test_a_job_vanishes_with_its_transaction(task: Handler, doorbell: Doorbell) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.enqueue("task", subject="mdv_1", project_id=None)
        raise ZeroDivisionError
    assert (Job.objects.count(), doorbell.rings) == (0, [])


def test_a_subject_has_one_open_job_of_a_kind(task: Handler) -> None:
    first = jobs.enqueue("task", subject="mdv_1", project_id=None)
    with pytest.raises(Conflict):
        jobs.enqueue("task", subject="mdv_1", project_id=None)
    jobs.run(first.pk)
    jobs.enqueue("task", subject="mdv_1", project_id=None)


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_for_one_job_one_is_a_conflict(task: Handler) -> None:
    made = race(*[lambda: jobs.enqueue("task", subject="mdv_1", project_id=None)] * 2)
    assert sorted(type(row).__name__ for row in made) == ["Conflict", "Job"]


def test_a_job_runs_on_behalf_of_the_request_that_asked_for_it(task: Handler) -> None:
    seen: list[str] = []
    task.body = lambda work: seen.append(current_request_id())
    with bound_contextvars(request_id="req-1"):
        job = jobs.enqueue("task", subject="mdv_1", project_id=None)
    jobs.run(job.pk)
    assert seen == ["req-1"]
    assert current_request_id() == ""


def test_a_label_longer_than_its_column_is_cut(task: Handler) -> None:
    job = jobs.enqueue("task", subject="mdv_1", project_id=None, label="x" * 250)
    assert len(Job.objects.get(pk=job.pk).subject_label) == 200


def test_claiming_what_is_not_due_costs_one_query(
    task: Handler, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = new_job(status="succeeded")
    with django_assert_num_queries(1):
        jobs.run(job.pk)


def test_a_public_row_made_before_the_failure_stays(task: Handler) -> None:
    """What a handler commits before its result is its own; only the result is fenced."""

    def body(work: Work) -> None:
        ProjectFactory(slug="kept")
        raise InvalidInput("unusable")

    task.body = body
    jobs.run(new_job().pk)
    assert Project.objects.filter(slug="kept").exists()
