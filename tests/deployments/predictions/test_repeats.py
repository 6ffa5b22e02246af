import pytest
import redis

from deployments.predictions import repeats
from deployments.predictions.given import Given
from deployments.predictions.repeats import Claim, Kept
from hokusai.core.errors import InvalidInput
from hokusai.web.problems import InFlight, KeyReused
from hokusai.web.shelf import Shelf


@pytest.fixture(autouse=True)
def server(settings, monkeypatch):
    monkeypatch.setattr(repeats, "shelf", Shelf())
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


def given(body=b"{}", key="k", principal="key:one", route="POST m", kind="application/json"):
    return Given(body, kind, "req", principal, route, 0.0, "", key)


def test_a_repeat_finds_what_was_kept_for_a_day(server):
    claimed = repeats.claim(given(), 1.0)
    repeats.keep(claimed, 200, {"Sunset": "x"}, b'{"outputs":\n[]}')
    assert repeats.claim(given(), 1.0) == Kept(200, {"Sunset": "x"}, b'{"outputs":\n[]}')
    assert 86_000 < server.ttl(claimed.name) <= 86_400


def test_while_the_first_is_unanswered_the_second_is_told_to_wait():
    repeats.claim(given(), 1.0)
    with pytest.raises(InFlight) as caught:
        repeats.claim(given(), 1.0)
    assert caught.value.context["retry_after_s"] > 0


def test_another_body_is_refused_before_and_after_the_answer():
    claimed = repeats.claim(given(), 1.0)
    for other in (given(body=b"[]"), given(kind="application/vnd.apache.parquet")):
        with pytest.raises(KeyReused):
            repeats.claim(other, 1.0)
    repeats.keep(claimed, 200, {}, b"{}")
    with pytest.raises(KeyReused):
        repeats.claim(given(body=b"[]"), 1.0)


@pytest.mark.parametrize(
    "other", [given(principal="key:two"), given(route="POST n"), given(key="l")]
)
def test_keys_are_told_apart_by_who_asks_where_and_with_what(other):
    assert isinstance(repeats.claim(given(), 1.0), Claim)
    assert isinstance(repeats.claim(other, 1.0), Claim)


def test_what_was_given_up_is_answered_anew():
    repeats.forget(repeats.claim(given(), 1.0))
    assert isinstance(repeats.claim(given(), 1.0), Claim)


def test_a_claim_ends_by_itself_after_the_deadline(server):
    claimed = repeats.claim(given(), 7.0)
    assert 7 < server.ttl(claimed.name) <= 7 + repeats.MARGIN_S


def test_an_answer_too_large_to_keep_is_made_anew():
    claimed = repeats.claim(given(), 1.0)
    repeats.keep(claimed, 200, {}, b"x" * (repeats.MAX_BYTES + 1))
    assert isinstance(repeats.claim(given(), 1.0), Claim)


@pytest.mark.parametrize("key", ["ü", "a\nb", "x" * 201])
def test_an_unsound_key_is_invalid(key):
    with pytest.raises(InvalidInput):
        repeats.claim(given(key=key), 1.0)


def test_without_redis_predictions_go_on_and_are_counted(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(repeats, "shelf", Shelf())
    before = repeats.UNKEPT._value.get()
    for _ in range(2):
        claimed = repeats.claim(given(), 1.0)
        assert claimed == Claim()
        repeats.keep(claimed, 200, {}, b"{}")
    assert repeats.UNKEPT._value.get() == before + 2
