import pytest

from deployments.prediction_log import queue as queues
from deployments.prediction_log.entry import Entry
from deployments.prediction_log.queue import DROPPED, PredictionQueue
from tests.deployments.prediction_log.entries import entry


@pytest.fixture
def begun() -> list[int]:
    return []


@pytest.fixture
def over() -> list[Entry]:
    return []


@pytest.fixture
def queue(begun: list[int], over: list[Entry]) -> PredictionQueue:
    return PredictionQueue(lambda: begun.append(1), over.append)


def test_the_first_entry_alone_begins_the_writing(queue: PredictionQueue, begun: list[int]) -> None:
    for _ in range(3):
        queue.put(entry())
    assert (len(queue), begun) == (3, [1])


def test_entries_come_out_in_their_order_those_that_must_not_be_lost_apart(
    queue: PredictionQueue,
) -> None:
    for name in ("a", "b", "c"):
        queue.put(entry(request_id=name, log_every_row=name == "b"))
    sure, others = queue.take(1)
    assert [one.request_id for one in (*sure, *others)] == ["b", "a"]
    assert [one.request_id for one in queue.take(9)[1]] == ["c"]


def test_what_is_not_sampled_stays_out_but_every_failure_comes_in(queue: PredictionQueue) -> None:
    for _ in range(20):
        queue.put(entry(log_sample=0.0))
        queue.put(entry(log_sample=0.0, status=422))
    assert {one.status for one in queue.take(99)[1]} == {422}


def test_a_full_queue_drops_and_counts(
    queue: PredictionQueue, over: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MAX_ENTRIES", 2)
    before = DROPPED._value.get()
    for _ in range(5):
        queue.put(entry())
    assert (len(queue), DROPPED._value.get() - before, over) == (2, 3, [])


def test_what_must_not_be_lost_overflows_to_whoever_takes_it(
    queue: PredictionQueue, over: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MAX_ENTRIES", 2)
    for _ in range(5):
        queue.put(entry(log_every_row=True))
    assert (len(queue), len(over)) == (2, 3)


def test_large_bodies_fill_the_queue_before_its_number_of_entries_does(
    queue: PredictionQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MAX_BYTES", 1_000)
    for _ in range(5):
        queue.put(entry(b"x" * 600))
    assert len(queue) == 2
    queue.take(99)
    queue.put(entry(b"x" * 600))
    assert len(queue) == 1


def test_after_its_end_everything_overflows(queue: PredictionQueue, over: list[Entry]) -> None:
    queue.close()
    queue.put(entry())
    assert (len(queue), len(over)) == (0, 1)


def test_a_forked_process_starts_empty_and_begins_anew(
    queue: PredictionQueue, begun: list[int]
) -> None:
    queue.put(entry())
    queue.reset()
    assert len(queue) == 0
    queue.put(entry())
    assert begun == [1, 1]
