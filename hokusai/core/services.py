"""What people may ask of work under way: cancel it, try it again."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from hokusai.core import doorbell, jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, InvalidTransition
from hokusai.core.events import Actor, record
from hokusai.core.models import Delivery, Job


@transaction.atomic
def cancel_job(*, job_id: int, actor: Actor) -> Job:
    """Stop a job: at once while it waits, at its next step while it runs.

    Raises InvalidTransition when it has ended.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    before = job.status
    if job.status == WorkStatus.RUNNING:
        job.cancel_requested = True
    else:
        job.move_to(WorkStatus.CANCELLED)
        job.finished_at = timezone.now()
        jobs.kind_of(job).tell_owner(job, "Cancelled on request.")
    job.save(update_fields=["status", "cancel_requested", "finished_at"])
    _record(job, "job:cancelled", actor, before)
    return job


@transaction.atomic
def retry_job(*, job_id: int, actor: Actor) -> Job:
    """Queue an ended job again.

    Raises InvalidTransition when it succeeded or is under way, Conflict where a later job of the
    same kind is.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    before = job.status
    _check_ended(job)
    job.move_to(WorkStatus.QUEUED)
    job.attempt, job.cancel_requested, job.progress = 0, False, 0
    job.finished_at = None
    job.save(update_fields=["status", "attempt", "cancel_requested", "progress", "finished_at"])
    Job.objects.filter(pk=job.pk).update(run_after=Now())
    jobs.ring(job)
    _record(job, "job:retried", actor, before)
    return job


def _check_ended(job: Job) -> None:
    if job.status == WorkStatus.RUNNING:
        raise InvalidTransition("The job runs; cancel it first.")
    if Job.objects.unfinished().filter(kind=job.kind, subject=job.subject).exclude(pk=job.pk):
        raise Conflict(f"A later {job} is under way already.")


@transaction.atomic
def retry_delivery(*, delivery_id: int, actor: Actor) -> Delivery:
    """Queue a parked delivery again. Raises InvalidTransition when it is not parked."""
    delivery = (
        Delivery.objects.select_for_update(of=("self",)).select_related("event").get(pk=delivery_id)
    )
    if delivery.status != WorkStatus.FAILED:
        raise InvalidTransition("Only a parked delivery can be tried again.")
    delivery.move_to(WorkStatus.QUEUED)
    delivery.attempt, delivery.finished_at = 0, None
    delivery.save(update_fields=["status", "attempt", "finished_at"])
    Delivery.objects.filter(pk=delivery.pk).update(run_after=Now())
    transaction.on_commit(lambda: doorbell.ring("core.deliver", delivery.stream))
    record(
        "delivery:retried",
        subject=delivery.event.subject,
        actor=actor,
        project_id=delivery.event.project_id,
        label=str(delivery),
    )
    return delivery


@transaction.atomic
def retry_parked(*, subscriber: str, subject: str, actor: Actor) -> int:
    """Queue what is parked of one subject on its way to one subscriber; how many deliveries."""
    parked = Delivery.objects.filter(
        subscriber=subscriber, event__subject=subject, status=WorkStatus.FAILED
    )
    found = list(parked.order_by("sequence").values_list("pk", flat=True))
    for delivery_id in found:
        retry_delivery(delivery_id=delivery_id, actor=actor)
    return len(found)


def _record(job: Job, tag: str, actor: Actor, before: str) -> None:
    record(
        tag,
        subject=job.public_id,
        actor=actor,
        project_id=job.project_id,
        label=str(job),
        before={"status": before},
        after={"status": job.status, "cancel_requested": job.cancel_requested},
    )
