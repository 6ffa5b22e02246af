"""Several requests in one run of the model: each gets its own rows, or its own error."""

import os
import time
from collections.abc import Iterator

import pytest

from hokusai.runner import answering, protocol, stamp
from hokusai.runner.answering import Answerer
from hokusai.runner.errors import InvalidInput, ModelRaised, ModelTimeout
from tests.hokusai.runner.sums import POISON, Sums, answerer, body, outputs


@pytest.fixture
def descriptor() -> Iterator[int]:
    made = stamp.create()
    yield made
    os.close(made)


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the first batches, which showed that rows do not depend on each other."""
    monkeypatch.setattr(answering, "PROVED_BATCHES", 0)


def replies(asked: Answerer, *bodies: bytes) -> list[protocol.Block]:
    """Replies in the order of `bodies`."""
    found = dict(asked.answer_all([asked.read(one) for one in bodies]))
    return [found[place][protocol.LENGTH.size :] for place in range(len(bodies))]


@pytest.mark.usefixtures("proved")
def test_requests_are_run_together_and_split_again(descriptor: int) -> None:
    model = Sums()
    found = replies(answerer(model, descriptor), body((1, 2)), body((3, 4), (5, 6)), body((7, 8)))
    assert [outputs(one).predictions() for one in found] == [[3.0], [7.0, 11.0], [15.0]]
    assert model.runs == [4]
    counted = stamp.counters(descriptor)
    assert (counted.requests, counted.batches, counted.rows, sum(counted.model)) == (3, 1, 4, 3)


@pytest.mark.usefixtures("proved")
def test_only_the_request_that_makes_the_model_raise_fails(descriptor: int) -> None:
    found = replies(answerer(Sums(), descriptor), body((1, 2)), body((POISON, 1)), body((3, 4)))
    assert outputs(found[0]).predictions() == [3.0]
    assert outputs(found[2]).predictions() == [7.0]
    with pytest.raises(ModelRaised):
        outputs(found[1])
    assert stamp.counters(descriptor).errors == 1


@pytest.mark.usefixtures("proved")
@pytest.mark.filterwarnings("ignore:overflow")
def test_only_the_request_whose_answer_is_not_finite_fails(descriptor: int) -> None:
    found = replies(answerer(Sums(), descriptor), body((1e308, 1e308)), body((3, 4)))
    with pytest.raises(Exception, match="not finite"):
        outputs(found[0])
    assert outputs(found[1]).predictions() == [7.0]


@pytest.mark.usefixtures("proved")
def test_an_expired_request_is_answered_without_running(descriptor: int) -> None:
    model = Sums()
    found = replies(
        answerer(model, descriptor), body((1, 2)), body((1, 2), (1, 2), deadline_s=1e-9)
    )
    with pytest.raises(ModelTimeout):
        outputs(found[1])
    assert outputs(found[0]).predictions() == [3.0]
    assert model.runs == [1]


def test_a_request_with_little_time_left_does_not_end_the_child_for_all(descriptor: int) -> None:
    model, seen = Sums(), []
    asked = answerer(model, descriptor)
    model.run = lambda matrix, names: (  # type: ignore[method-assign]
        seen.append(stamp.read(descriptor)[1]),
        Sums.run(model, matrix, names),
    )[1]
    asked.answer(body((1, 2), deadline_s=0.05))
    assert seen[0] - time.monotonic_ns() > answering.LEAST_RUN_NS // 2


@pytest.mark.usefixtures("proved")
def test_a_batch_holds_a_limited_number_of_rows(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MAX_ROWS", 4)
    model = Sums()
    large, small = body(*[(1, 1)] * 9), body((1, 1), (1, 1))
    found = replies(answerer(model, descriptor), large, small, small, small)
    assert [len(outputs(one).predictions()) for one in found] == [9, 2, 2, 2]
    assert model.runs == [4, 2, 9]


def test_the_first_batches_prove_that_rows_stand_alone(descriptor: int) -> None:
    model = Sums()
    asked = answerer(model, descriptor)
    for _ in range(answering.PROVED_BATCHES + 1):
        replies(asked, body((1, 2)), body((3, 4)))
    assert model.runs == [1, 1, 2] * answering.PROVED_BATCHES + [2]


def test_a_model_that_mixes_rows_is_asked_one_request_at_a_time(descriptor: int) -> None:
    model = Sums(mixes=True)
    asked = answerer(model, descriptor)
    for _ in range(3):
        found = replies(asked, body((1, 2)), body((3, 4)))
        assert [outputs(one).predictions() for one in found] == [[0.0], [0.0]]
    assert not asked.together
    assert model.runs == [1, 1, 2, 1, 1, 1, 1]


def test_code_of_strangers_never_sees_two_requests_at_once(descriptor: int) -> None:
    model = Sums()
    replies(answerer(model, descriptor, "pyfunc"), body((1, 2)), body((3, 4)))
    assert model.runs == [1, 1]


def test_a_reply_says_how_long_the_model_ran(descriptor: int) -> None:
    (found,) = replies(answerer(Sums(), descriptor), body((1, 2)))
    assert 0 < outputs(found).model_ms < 1000


def test_what_cannot_be_read_is_counted_as_an_error(descriptor: int) -> None:
    reply = answerer(Sums(), descriptor).answer(body((1, "x")))
    with pytest.raises(InvalidInput):
        outputs(reply[protocol.LENGTH.size :])
    assert stamp.counters(descriptor).errors == 1
