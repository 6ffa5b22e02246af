"""Running jobs: claim, heartbeat, handler, one result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from hokusai.core import doorbell, leases
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, DomainError, OutsideUnavailable
from hokusai.core.events import current_request_id
from hokusai.core.leases import Heartbeat, LeaseLost
from hokusai.core.models import Job

log = structlog.get_logger(__name__)
LOG_TAIL = 16_000
LABEL = 200
DEFAULT_QUEUE = "default"


class JobCancelled(DomainError):
    """Somebody asked for this job to stop."""

    code = "job_cancelled"


@dataclass(frozen=True, slots=True)
class JobKind:
    """What the setting JOBS says of one kind."""

    handler: str
    on_failure: str = ""
    queue: str = DEFAULT_QUEUE
    max_attempts: int = 5

    def load(self) -> Callable[["Work"], None]:
        handler: Callable[[Work], None] = import_string(self.handler)
        return handler

    def tell_owner(self, job: Job, reason: str) -> None:
        """Let the subject's app write on its own row that the job ended without a result."""
        if self.on_failure:
            import_string(self.on_failure)(job, reason)


def kind_of(job: Job) -> JobKind:
    """The definition of a job's kind. Raises KeyError when it left the settings."""
    stated: dict[str, Any] = settings.JOBS[job.kind]
    return JobKind(**stated)


class Work:
    """What a handler holds while it runs: its job, a way to tell progress, a way to finish."""

    def __init__(self, job: Job, heartbeat: Heartbeat) -> None:
        self.job, self._heartbeat, self.finished = job, heartbeat, False

    def progress(self, percent: int, note: str) -> None:
        """Tell how far the work is. Raises JobCancelled or LeaseLost when it must stop."""
        self.log(note, progress=percent)
        self.check()

    def log(self, line: str, **changes: Any) -> None:
        """Add a line to the job's log, of which the tail is kept."""
        stamp = timezone.now().strftime("%H:%M:%S")
        self.job.log = f"{self.job.log}{stamp} {line}\n"[-LOG_TAIL:]
        Job.objects.filter(pk=self.job.pk, token=self.job.token).update(log=self.job.log, **changes)

    def check(self) -> None:
        """Raises JobCancelled or LeaseLost when the work must stop."""
        if self._heartbeat.lost.is_set():
            raise LeaseLost("The lease on this work ran out and another worker has it.")
        if Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists():
            raise JobCancelled("Cancelled on request.")

    @contextmanager
    def result(self) -> Iterator[None]:
        """The transaction that writes the result and closes the job, once and for all."""
        with leases.fenced(self.job):
            yield
            leases.finish(self.job, WorkStatus.SUCCEEDED)
            Job.objects.filter(pk=self.job.pk).update(progress=100)
        self.finished = True


def enqueue(kind: str, *, subject: str, project_id: int | None, label: str = "") -> Job:
    """Insert a job and ring once the transaction commits.

    Raises Conflict where the subject already has an open job of this kind.
    """
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                subject=subject,
                subject_label=label[:LABEL],
                project_id=project_id,
                request_id=current_request_id(),
            )
    except IntegrityError as error:
        raise Conflict(f"A {kind} of {label or subject} is already under way.") from error
    ring(job)
    return job


def ring(job: Job) -> None:
    """Ring for a job when the transaction commits."""
    queue = queue_of(job)
    transaction.on_commit(lambda: doorbell.ring("core.run_job", job.pk, queue=queue))


def queue_of(job: Job) -> str:
    """Where a job is run; a kind that left the settings is run, and closed, where most are."""
    return queue_of_kind(job.kind)


def queue_of_kind(kind: str) -> str:
    """Where jobs of a kind are run."""
    stated: dict[str, Any] = settings.JOBS.get(kind, {})
    return str(stated.get("queue", DEFAULT_QUEUE))


def run(job_id: int) -> None:
    """Run one job if it is due. Safe to call twice, and to be killed at any line."""
    job = leases.claim(Job, job_id)
    if job is None:
        return
    with structlog.contextvars.bound_contextvars(request_id=job.request_id, job=job.public_id):
        _run_claimed(job)


def _run_claimed(job: Job) -> None:
    if job.kind not in settings.JOBS:
        leases.finish(job, WorkStatus.FAILED, f"Nothing here knows how to do a {job.kind}.")
        return
    if job.attempt > kind_of(job).max_attempts:
        last = job.last_error or "the worker died"
        _abandon(job, f"Given up after {job.attempt - 1} attempts; the last: {last}")
        return
    with Heartbeat(job) as heartbeat:
        _run_handler(Work(job, heartbeat))


def _run_handler(work: Work) -> None:
    try:
        work.check()
        kind_of(work.job).load()(work)
        if not work.finished:
            leases.finish(work.job, WorkStatus.SUCCEEDED)
    except LeaseLost as error:
        log.warning("lease_lost", job=work.job.public_id, error=str(error))
    except JobCancelled as error:
        _abandon(work.job, str(error), WorkStatus.CANCELLED)
    except OutsideUnavailable as error:
        _wait_for_outside(work, error)
    except DomainError as error:
        work.log(str(error))
        _abandon(work.job, str(error))


def _abandon(job: Job, reason: str, status: WorkStatus = WorkStatus.FAILED) -> None:
    """Close the job without a result and let the kind's owner say so on its own row."""
    try:
        with leases.fenced(job):
            leases.finish(job, status, reason)
            kind_of(job).tell_owner(job, reason)
    except LeaseLost as error:
        log.warning("lease_lost", job=job.public_id, error=str(error))


def _wait_for_outside(work: Work, error: OutsideUnavailable) -> None:
    work.log(f"waiting: {error}")
    leases.put_back(work.job, str(error))


def crashed(job_id: int, error: BaseException) -> None:
    """Keep the reason of a crash beside the job; the sweep tries again."""
    Job.objects.filter(pk=job_id, status=WorkStatus.RUNNING).update(
        last_error=f"{type(error).__name__}: {error}"[:2000]
    )
