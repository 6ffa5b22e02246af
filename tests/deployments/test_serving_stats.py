import itertools

import pytest

from deployments import serving_stats
from deployments.providers import Phase, ProviderHealth, ReplicaStats

HEALTH = ProviderHealth("A", ("onnx",), ("none",))


@pytest.fixture(autouse=True)
def seconds(monkeypatch):
    """Each look comes two seconds after the one before."""
    monkeypatch.setattr("deployments.serving_stats.time.time", itertools.count(1000, 2).__next__)


def look(requests: int, errors: int = 0) -> serving_stats.ServingStats:
    replica = ReplicaStats("rev_x", Phase.RUNNING, requests=requests, errors=errors, p50_ms=1.5)
    serving_stats.keep("local", HEALTH, [replica])
    return serving_stats.of(["rev_x", "rev_never_seen"])["rev_x"]


def test_rates_are_over_the_time_since_the_look_before():
    serving_stats._redis().delete("serving:stats:rev_x")
    assert look(10).requests_per_s == 0
    second = look(30, errors=3)
    assert (second.requests_per_s, second.errors_per_s) == (10, 1.5)
    assert (second.requests, second.p50_ms, second.state) == (30, 1.5, "running")


def test_a_provider_that_was_started_again_counts_from_nothing():
    look(100)
    assert look(8).requests_per_s == 4


def test_what_a_provider_says_of_itself_is_kept():
    look(1)
    assert serving_stats.health_of("local") == HEALTH
    assert serving_stats.health_of("elsewhere") is None


def test_without_redis_nothing_is_known(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    serving_stats._redis.cache_clear()
    assert serving_stats.of(["rev_x"]) == {}
    assert serving_stats.health_of("local") is None
    serving_stats._redis.cache_clear()


def test_nothing_is_asked_for_nobody():
    assert serving_stats.of([]) == {}
