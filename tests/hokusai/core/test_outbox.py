import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from hokusai.core import outbox, services
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import InvalidInput, OutsideUnavailable
from hokusai.core.events import SYSTEM, current_request_id, record
from hokusai.core.leases import LeaseLost
from hokusai.core.models import Delivery, Event
from hokusai.core.tasks import deliver
from tests.hokusai.core.conftest import LISTENER, Listener, Worker
from tests.racing import Elsewhere, race

pytestmark = pytest.mark.django_db
STREAM = f"{LISTENER}|thing_1"


def change(n: int, subject: str = "thing_1") -> Event:
    with transaction.atomic():
        return record(
            "thing:changed", subject=subject, actor=SYSTEM, project_id=None, after={"n": n}
        )


def due_now() -> None:
    Delivery.objects.update(run_after=Now())


def numbers(listener: Listener) -> list[int]:
    return [n for _, n in listener.heard]


def test_a_stream_is_delivered_in_order(listener: Listener) -> None:
    for n in range(4):
        change(n)
    assert outbox.deliver(STREAM) == 4
    assert numbers(listener) == [0, 1, 2, 3]
    assert outbox.deliver(STREAM) == 0


@pytest.mark.django_db(transaction=True)
def test_workers_on_one_stream_deliver_each_event_once_and_in_order(listener: Listener) -> None:
    for n in range(6):
        change(n)
    race(*[lambda: outbox.deliver(STREAM)] * 4)
    outbox.deliver(STREAM)
    assert numbers(listener) == [0, 1, 2, 3, 4, 5]


@pytest.mark.django_db(transaction=True)
def test_sequence_order_is_commit_order(listener: Listener) -> None:
    """Who records second on a subject waits until the first has committed."""
    with Elsewhere() as other:
        blocked: threading.Thread | None = None
        with transaction.atomic():
            change(1)
            blocked = threading.Thread(target=lambda: other.do(lambda: change(2)))
            blocked.start()
            blocked.join(0.2)
            assert blocked.is_alive()
        blocked.join(10)
    outbox.deliver(STREAM)
    assert numbers(listener) == [1, 2]


def test_a_poisoned_head_is_parked_and_blocks_those_behind_it(listener: Listener) -> None:
    poisoned, _ = change(1), change(2)

    def refuse(event: Event) -> None:
        raise InvalidInput("unusable")

    listener.answer = refuse
    assert outbox.deliver(STREAM) == 0
    listener.answer = lambda event: None
    assert outbox.deliver(STREAM) == 0
    assert listener.heard == []
    parked = poisoned.deliveries.get()
    assert (parked.status, parked.last_error) == (WorkStatus.FAILED, "InvalidInput: unusable")

    services.retry_delivery(delivery_id=parked.pk, actor=SYSTEM)
    assert outbox.deliver(STREAM) == 2
    assert numbers(listener) == [1, 2]


def test_a_parked_stream_does_not_hold_up_others(listener: Listener) -> None:
    change(1)
    change(2, "thing_2")

    def refuse_first(event: Event) -> None:
        if event.subject == "thing_1":
            raise InvalidInput("unusable")

    listener.answer = refuse_first
    for stream in outbox.due_streams():
        outbox.deliver(stream)
    assert listener.heard == [("thing_2", 2)]


def test_an_outage_is_waited_out_longer_each_time(listener: Listener) -> None:
    event, pauses = change(1), []

    def outage(event: Event) -> None:
        raise OutsideUnavailable("no answer")

    listener.answer = outage
    for _ in range(7):
        due_now()
        outbox.deliver(STREAM)
        row = Delivery.objects.annotate(now=Now()).get(event=event)
        pauses.append(round((row.run_after - row.now).total_seconds()))
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert (row.status, row.last_error) == (WorkStatus.QUEUED, "no answer")

    listener.answer = lambda event: None
    assert outbox.deliver(STREAM) == 0
    due_now()
    assert outbox.deliver(STREAM) == 1


def test_those_behind_an_outage_wait_with_it(listener: Listener) -> None:
    change(1)
    change(2)

    def outage(event: Event) -> None:
        if event.after["n"] == 1:
            raise OutsideUnavailable("no answer")

    listener.answer = outage
    assert outbox.deliver(STREAM) == 0
    assert outbox.deliver(STREAM) == 0
    assert listener.heard == []


def test_only_streams_whose_head_can_be_delivered_are_due(listener: Listener) -> None:
    for subject in ("thing_1", "thing_2", "thing_3"):
        change(1, subject)
        change(2, subject)
    heads = Delivery.objects.filter(sequence=1)
    heads.filter(event__subject="thing_1").update(status=WorkStatus.FAILED)
    heads.filter(event__subject="thing_2").update(run_after=Now() + timedelta(minutes=1))
    assert outbox.due_streams() == [f"{LISTENER}|thing_3"]
    heads.filter(event__subject="thing_3").update(status=WorkStatus.SUCCEEDED)
    assert outbox.due_streams() == [f"{LISTENER}|thing_3"]


def test_a_worker_killed_while_delivering_is_followed_by_another(listener: Listener) -> None:
    change(1)
    dead = outbox.leases.claim(Delivery, Delivery.objects.get().pk)
    assert dead is not None
    assert outbox.deliver(STREAM) == 0
    Delivery.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert outbox.due_streams() == [STREAM]
    assert outbox.deliver(STREAM) == 1
    with pytest.raises(LeaseLost):
        outbox.leases.finish(dead, WorkStatus.SUCCEEDED)


def test_a_worker_overtaken_while_delivering_does_not_close_the_delivery(
    listener: Listener,
) -> None:
    change(1)
    listener.answer = lambda event: Delivery.objects.update(token=99) and None
    assert outbox.deliver(STREAM) == 0
    assert Delivery.objects.get().status == WorkStatus.RUNNING


def test_a_subscriber_that_crashes_again_and_again_is_parked(
    listener: Listener, worker: Worker
) -> None:
    change(1)

    def crash(event: Event) -> None:
        raise ZeroDivisionError("by zero")

    listener.answer = crash
    for _ in range(outbox.MAX_ATTEMPTS):
        assert worker(deliver, STREAM).failed()
        Delivery.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    assert outbox.deliver(STREAM) == 0
    row = Delivery.objects.get()
    assert row.status == WorkStatus.FAILED
    assert row.last_error.endswith("the last: ZeroDivisionError: by zero")


def test_a_delivery_to_a_subscriber_that_left_is_parked(listener: Listener) -> None:
    change(1)
    Delivery.objects.update(subscriber="left.the.settings")
    outbox.deliver(STREAM)
    assert Delivery.objects.get().status == WorkStatus.FAILED


def test_a_subscriber_acts_on_behalf_of_the_request_that_caused_the_event(
    listener: Listener,
) -> None:
    change(1)
    event = Event(public_id="evt_x", subject="thing_2", after={"n": 1}, request_id="req-1")
    event.save()
    Delivery.objects.create(event=event, subscriber=LISTENER, stream="other", sequence=1)
    seen: list[str] = []
    listener.answer = lambda event: seen.append(current_request_id())
    outbox.deliver("other")
    outbox.deliver(STREAM)
    assert seen == ["req-1", ""]


def test_the_operation_id_stays_the_same_when_a_delivery_is_repeated(listener: Listener) -> None:
    event = change(1)
    first = Delivery.objects.get().operation_id
    Delivery.objects.update(token=5, attempt=5)
    assert Delivery.objects.get().operation_id == first == event.public_id
