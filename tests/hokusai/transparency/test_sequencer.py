"""Records and events get their places whatever the order and the fate of transactions."""

import random
import threading

import pytest
from django.db import connection, transaction

from hokusai.core.events import SYSTEM, record
from hokusai.core.merkle import leaf_hash, root
from hokusai.core.models import Event
from hokusai.transparency import sealer, sequencer, services
from hokusai.transparency.leaves import leaf_bytes_of, root_of_size
from hokusai.transparency.models import EventBatch, LogLeaf, LogRecord, SealedEvent, SequencerHint
from tests.hokusai.transparency.conftest import write
from tests.racing import Elsewhere, race

pytestmark = pytest.mark.django_db(transaction=True)


def happen(subject: str = "thing_1") -> Event:
    with transaction.atomic():
        return record("thing:changed", subject=subject, actor=SYSTEM, project_id=None)


def indices() -> list[int]:
    return list(LogLeaf.objects.order_by("index").values_list("index", flat=True))


def stored_root() -> bytes:
    leaves = LogLeaf.objects.order_by("index").select_related("record")
    return root([leaf_hash(leaf_bytes_of(leaf.record)) for leaf in leaves])


def test_records_get_indices_from_zero_in_the_order_of_their_writing() -> None:
    records = [write(number) for number in range(5)]
    assert services.sequence() == 5
    assert [record.leaf.index for record in LogRecord.objects.order_by("id")] == [0, 1, 2, 3, 4]
    assert records[0].kind == "attempt"


def test_a_second_pass_finds_nothing() -> None:
    write()
    assert services.sequence() == 1
    assert services.sequence() == 0


def test_what_was_rolled_back_leaves_no_gap() -> None:
    write(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        services.append("attempt", {"n": 2}, subject="cmp_2")
        raise RuntimeError
    write(3)
    services.sequence()
    assert indices() == [0, 1]


def test_a_record_of_an_open_transaction_comes_later() -> None:
    with Elsewhere() as other:
        opened = transaction.atomic()
        other.do(opened.__enter__)
        other.do(lambda: services.append("attempt", {"n": 1}, subject="cmp_early"))
        write(2)
        assert services.sequence() == 1
        other.do(lambda: opened.__exit__(None, None, None))
        assert services.sequence() == 1
    assert LogRecord.objects.get(subject="cmp_early").leaf.index == 1


def test_writers_and_sequencers_at_once_leave_no_gap() -> None:
    done = threading.Event()

    def writer(seed: int) -> int:
        chance, kept = random.Random(seed), 0
        for number in range(30):
            lost = chance.random() < 0.3
            with transaction.atomic():
                services.append("attempt", {"n": number, "w": seed}, subject=f"cmp_{seed}")
                transaction.set_rollback(lost)
            kept += not lost
        return kept

    def sequencing() -> int:
        count = 0
        while not done.is_set():
            count += services.sequence()
        return count

    def writing() -> int:
        try:
            return sum(race(*(lambda seed=seed: writer(seed) for seed in range(4))))
        finally:
            done.set()

    kept, first, second = race(writing, sequencing, sequencing)
    rest = services.sequence()
    assert first + second + rest == kept
    assert indices() == list(range(kept))
    assert root_of_size(kept) == stored_root()


def test_the_schedule_does_not_wait_for_a_sequencer_under_way() -> None:
    write()
    with Elsewhere() as other:
        opened = transaction.atomic()
        other.do(opened.__enter__)
        other.do(services.sequence)
        write(2)
        assert services.sequence(wait=False) == 0
        other.do(lambda: opened.__exit__(None, None, None))
    assert services.sequence(wait=False) == 1


def test_batches_smaller_than_what_waits_sequence_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "RECORDS_PER_BATCH", 3)
    for number in range(8):
        write(number)
    assert services.sequence() == 8
    assert root_of_size(8) == stored_root()


def test_events_are_sealed_in_a_batch_with_a_record_of_its_own() -> None:
    events = [happen(f"thing_{number}") for number in range(3)]
    services.sequence()
    batch = EventBatch.objects.get()
    assert (batch.number, batch.count, batch.record.kind) == (1, 3, "events")
    leaves = [
        sealer.event_leaf(event.public_id, event.digest, event.recorded_at) for event in events
    ]
    assert batch.root == root(leaves).hex()
    assert batch.record.leaf.index == 0


def test_nothing_new_seals_nothing() -> None:
    happen()
    services.sequence()
    assert services.sequence() == 0
    assert EventBatch.objects.count() == 1


def test_batches_name_the_one_before() -> None:
    for number in range(3):
        happen(f"thing_{number}")
        services.sequence()
    first, second, third = EventBatch.objects.order_by("number").select_related("record")
    assert first.record.previous == ""
    assert second.record.previous == first.digest
    assert third.record.previous == second.digest


def test_a_long_transaction_delays_events_and_loses_none() -> None:
    with Elsewhere() as other:
        opened = transaction.atomic()
        other.do(opened.__enter__)
        other.do(lambda: record("a:b", subject="slow", actor=SYSTEM, project_id=None))
        happen("fast")
        services.sequence()
        # Above the horizon of the open transaction nothing is sealed, whatever is visible.
        assert SealedEvent.objects.count() == 0
        other.do(lambda: opened.__exit__(None, None, None))
        services.sequence()
    order = SealedEvent.objects.order_by("batch_id", "position")
    assert [seal.event.subject for seal in order] == ["slow", "fast"]


def test_a_full_batch_of_events_is_followed_by_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "EVENTS_PER_BATCH", 2)
    with transaction.atomic():
        for number in range(5):
            record("a:b", subject=f"thing_{number}", actor=SYSTEM, project_id=None)
    services.sequence()
    assert list(EventBatch.objects.order_by("number").values_list("count", flat=True)) == [2, 2, 1]
    assert SealedEvent.objects.count() == 5


def test_without_its_hint_the_sequencer_finds_the_same() -> None:
    write(1)
    happen()
    services.sequence()
    SequencerHint.objects.all().delete()
    write(2)
    happen("thing_2")
    assert services.sequence() == 2
    assert SealedEvent.objects.count() == 2


def test_in_a_restored_database_what_another_cluster_counted_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealer, "EVENTS_PER_BATCH", 1)
    happen("sealed")
    services.sequence()
    SequencerHint.objects.update(system=1)
    write(1)
    happen("old")
    # A transaction number that this cluster will not reach for a long time.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_event SET xact = 1000000000000000")
        cursor.execute("UPDATE transparency_logrecord SET xact = 1000000000000000")
    happen("new")
    assert services.sequence() == 3
    assert SealedEvent.objects.count() == 3
    assert services.sequence() == 0
    happen("newer")
    services.sequence()
    assert SealedEvent.objects.count() == 4
