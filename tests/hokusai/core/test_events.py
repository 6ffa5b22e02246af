import pytest
from django.db import transaction
from structlog.contextvars import bound_contextvars

from hokusai.core.errors import DomainError
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.models import Delivery, Event
from tests.hokusai.core.conftest import LISTENER, Doorbell, Listener
from tests.racing import Elsewhere


def change(subject: str = "thing_1", n: int = 1) -> Event:
    with transaction.atomic():
        return record(
            "thing:changed", subject=subject, actor=SYSTEM, project_id=None, after={"n": n}
        )


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(DomainError):
        record("thing:changed", subject="thing_1", actor=SYSTEM, project_id=None)
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_and_its_deliveries_vanish_with_a_rollback(
    listener: Listener, doorbell: Doorbell
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        change()
        raise ZeroDivisionError
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()
    assert doorbell.rings == []


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_an_event_before_its_transaction_commits(listener: Listener) -> None:
    with Elsewhere() as reader:
        with transaction.atomic():
            change()
            assert reader.do(Event.objects.count) == 0
        assert reader.do(Event.objects.count) == 1


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_is_rung_for_after_the_commit(listener: Listener, doorbell: Doorbell) -> None:
    with transaction.atomic():
        event = change()
        assert doorbell.rings == []
    delivery = event.deliveries.get()
    assert (delivery.subscriber, delivery.sequence) == (LISTENER, 1)
    assert doorbell.of("core.deliver") == [delivery.stream]


@pytest.mark.django_db
def test_an_event_nobody_listens_to_has_no_delivery(listener: Listener) -> None:
    event = record("thing:seen", subject="thing_1", actor=SYSTEM, project_id=None)
    assert not event.deliveries.exists()


@pytest.mark.django_db
def test_deliveries_are_numbered_without_gaps_within_a_stream(listener: Listener) -> None:
    for number in range(3):
        change("thing_1", number)
    change("thing_2")
    found = Delivery.objects.order_by("id").values_list("event__subject", "sequence")
    assert list(found) == [("thing_1", 1), ("thing_1", 2), ("thing_1", 3), ("thing_2", 1)]


@pytest.mark.django_db
def test_an_event_names_actor_request_and_what_changed() -> None:
    actor = Actor("user", "usr_1", "ada", 1)
    with bound_contextvars(request_id="req-1"):
        event = record(
            "thing:changed",
            subject="thing_1",
            actor=actor,
            project_id=7,
            label="Thing",
            before={"n": 1},
            after={"n": 2.5},
        )
    event.refresh_from_db()
    assert (event.actor, event.actor_label, event.request_id) == ("user:usr_1", "ada", "req-1")
    assert (event.before, event.after, event.project_id) == ({"n": 1}, {"n": 2.5}, 7)


@pytest.mark.django_db
def test_the_digest_belongs_to_the_content() -> None:
    same = [change("thing_1", 1).digest for _ in range(2)]
    assert same[0] == same[1] != change("thing_1", 2).digest


@pytest.mark.django_db
def test_labels_longer_than_their_columns_are_cut() -> None:
    actor = Actor("key", "key_1", "n" * 250)
    event = record("thing:seen", subject="x_1", actor=actor, project_id=None, label="l" * 201)
    event.refresh_from_db()
    assert (len(event.actor_label), len(event.subject_label)) == (200, 200)


@pytest.mark.django_db
def test_events_of_a_subject_come_newest_first() -> None:
    change("thing_1", 1)
    change("thing_2", 2)
    newest = change("thing_1", 3)
    assert next(iter(Event.objects.of("thing_1"))) == newest
    assert Event.objects.of("thing_1").count() == 2
