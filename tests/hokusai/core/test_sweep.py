from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from hokusai.core import sweep
from hokusai.core.models import Delivery
from hokusai.core.tasks import sweep_work
from tests.factories import DeliveryFactory, JobFactory
from tests.hokusai.core.conftest import Doorbell, Handler

pytestmark = pytest.mark.django_db


def test_the_sweep_rings_for_what_is_due_and_for_nothing_else(
    task: Handler, doorbell: Doorbell
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    future = timezone.now() + timedelta(minutes=1)
    due = JobFactory(kind="task")
    lost = JobFactory(kind="task", status="running", lease_expires_at=past)
    JobFactory(kind="task", run_after=future)
    JobFactory(kind="task", status="running", lease_expires_at=future)
    for ended in ("succeeded", "failed", "cancelled"):
        JobFactory(kind="task", status=ended)
    delivery = DeliveryFactory()
    assert sweep.ring_for_due_work() == 3
    assert sorted(doorbell.of("core.run_job")) == [due.pk, lost.pk]
    assert doorbell.of("core.deliver") == [delivery.stream]


def test_a_job_that_nobody_knows_keeps_no_other_from_being_rung_for(
    task: Handler, doorbell: Doorbell
) -> None:
    unknown, known = JobFactory(kind="forgotten"), JobFactory(kind="task")
    sweep.ring_for_due_work()
    assert sorted(doorbell.of("core.run_job")) == [unknown.pk, known.pk]


def test_a_parked_stream_is_not_rung_for(doorbell: Doorbell) -> None:
    parked = DeliveryFactory(status="failed")
    DeliveryFactory(stream=parked.stream, sequence=2)
    sweep_work()
    assert doorbell.rings == []


def test_a_delivery_whose_worker_died_is_rung_for(doorbell: Doorbell) -> None:
    lost = DeliveryFactory(status="running")
    Delivery.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    sweep_work()
    assert doorbell.of("core.deliver") == [lost.stream]
