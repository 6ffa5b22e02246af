"""Counters of requests per minute that every web process shares, in Redis."""

import time
from functools import cache

import redis
from django.conf import settings

WINDOW_S = 60


def window() -> int:
    """The minute that now is."""
    return int(time.time()) // WINDOW_S


def wait_s() -> int:
    """Seconds until the next minute begins."""
    return WINDOW_S - int(time.time()) % WINDOW_S


def target_counter(name: str) -> str:
    """Where Redis counts what everybody asked of one target in this minute."""
    return f"hot:target:{name}:{window()}"


def increase(name: str) -> int:
    """Count one more of a window. Raises redis.RedisError."""
    with shared_redis().pipeline(transaction=False) as pipe:
        pipe.incr(name)
        pipe.expire(name, WINDOW_S + 1)
        return int(pipe.execute()[0])


def shared_redis() -> "redis.Redis":
    """One client per process, whose pool is safe for threads; it waits for no dead server."""
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url,
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
    )
