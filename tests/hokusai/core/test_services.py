import pytest
from django.utils import timezone

from hokusai.core import jobs, services
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Delivery, Event, Job
from tests.factories import DeliveryFactory, JobFactory
from tests.hokusai.core.conftest import Doorbell, Handler

pytestmark = pytest.mark.django_db


def test_a_waiting_job_is_cancelled_at_once_and_its_owner_told(task: Handler) -> None:
    job = JobFactory(kind="task")
    services.cancel_job(job_id=job.pk, actor=SYSTEM)
    job.refresh_from_db()
    assert job.status == WorkStatus.CANCELLED
    assert job.finished_at is not None
    assert task.told == [(job.subject, "Cancelled on request.")]
    assert Event.objects.of(job.public_id).get().tag == "job:cancelled"


def test_a_running_job_is_asked_to_stop(task: Handler) -> None:
    job = JobFactory(kind="task", status="running", token=1)
    services.cancel_job(job_id=job.pk, actor=SYSTEM)
    job.refresh_from_db()
    assert (job.status, job.cancel_requested) == (WorkStatus.RUNNING, True)
    assert task.told == []


@pytest.mark.parametrize("status", sorted(WorkStatus.terminal()))
def test_cancelling_an_ended_job_is_a_conflict(status: str, task: Handler) -> None:
    job = JobFactory(kind="task", status=status)
    with pytest.raises(InvalidTransition):
        services.cancel_job(job_id=job.pk, actor=SYSTEM)
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_ended_job_is_tried_again_from_the_start(
    status: str, task: Handler, doorbell: Doorbell
) -> None:
    job = JobFactory(
        kind="task", status=status, attempt=3, cancel_requested=True, finished_at=timezone.now()
    )
    services.retry_job(job_id=job.pk, actor=SYSTEM)
    assert doorbell.of("core.run_job") == [job.pk]
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempt) == (WorkStatus.SUCCEEDED, 1)


@pytest.mark.parametrize("status", ["queued", "running", "succeeded"])
def test_trying_again_what_did_not_fail_is_a_conflict(status: str, task: Handler) -> None:
    job = JobFactory(kind="task", status=status, token=4, lease_expires_at=timezone.now())
    with pytest.raises(InvalidTransition):
        services.retry_job(job_id=job.pk, actor=SYSTEM)
    assert Job.objects.get(pk=job.pk).status == status


def test_trying_again_beside_a_later_job_is_a_conflict(task: Handler) -> None:
    old = JobFactory(kind="task", status="failed")
    JobFactory(kind="task", subject=old.subject)
    with pytest.raises(Conflict):
        services.retry_job(job_id=old.pk, actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_a_parked_delivery_is_tried_again(doorbell: Doorbell) -> None:
    parked = DeliveryFactory(status="failed", attempt=6)
    services.retry_delivery(delivery_id=parked.pk, actor=SYSTEM)
    found = Delivery.objects.get(pk=parked.pk)
    assert (found.status, found.attempt) == (WorkStatus.QUEUED, 0)
    assert doorbell.of("core.deliver") == [parked.stream]
    assert Event.objects.of(parked.event.subject).first().tag == "delivery:retried"


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "cancelled"])
def test_only_a_parked_delivery_is_tried_again(status: str) -> None:
    delivery = DeliveryFactory(status=status)
    with pytest.raises(InvalidTransition):
        services.retry_delivery(delivery_id=delivery.pk, actor=SYSTEM)
