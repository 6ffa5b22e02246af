import pytest

from hokusai.web.external import breaker as breakers
from hokusai.web.external.breaker import Breaker


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    monkeypatch.setattr(breakers, "time", Clock)
    return now


def failed(times: int) -> Breaker:
    breaker = Breaker(failures=3, pause_s=5.0)
    for _ in range(times):
        breaker.failed()
    return breaker


def test_it_shuts_after_so_many_failures_in_a_row(clock):
    assert failed(2).allows()
    breaker = failed(3)
    assert (breaker.shut, breaker.allows(), breaker.wait_s) == (True, False, 5.0)


def test_a_success_begins_the_count_anew(clock):
    breaker = failed(2)
    breaker.succeeded()
    breaker.failed()
    assert breaker.allows()


def test_after_the_pause_one_alone_tries(clock):
    breaker = failed(3)
    clock[0] += 5.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.allows()


def test_a_try_that_fails_shuts_it_again(clock):
    breaker = failed(3)
    clock[0] += 5.0
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock[0] += 5.0
    assert breaker.allows()


def test_a_try_that_says_nothing_is_followed_by_another(clock):
    breaker = failed(3)
    clock[0] += 5.0
    assert breaker.allows()
    clock[0] += 5.0
    assert breaker.allows()
