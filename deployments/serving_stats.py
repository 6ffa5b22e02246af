"""How what serves is doing, as the schedule last saw it; kept by Redis, read by pages."""

import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final

import orjson
import redis
import structlog
from django.conf import settings

from deployments.providers import ProviderHealth, ReplicaStats

log = structlog.get_logger(__name__)
# What is older tells nothing of now.
KEEP_S: Final = 30
# Nothing is heard of a provider for so long before its health counts as unknown.
HEALTH_KEEP_S: Final = 60


@dataclass(frozen=True, slots=True)
class ServingStats:
    """One revision: `state` as its provider says, rates over the time since the look before.

    `p50_ms`, `p95_ms`: the model's time, since it was first served; None before the first
    request. `errors`, `requests`, `restarts`: since it was first served. `at`: epoch seconds.
    """

    state: str
    requests_per_s: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None
    requests: int = 0
    errors: int = 0
    errors_per_s: float = 0.0
    rows: int = 0
    memory_bytes: int = 0
    tier: str = ""
    format: str = ""
    converted: bool = False
    restarts: int = 0
    last_error: str = ""
    started_at: float = 0.0
    at: float = 0.0


def of(revision_ids: Collection[str]) -> dict[str, ServingStats]:
    """By public id of a revision; without those of which nothing was heard for half a minute."""
    wanted = list(revision_ids)
    if not wanted:
        return {}
    try:
        found = _redis().mget([_key(revision_id) for revision_id in wanted])
    except redis.RedisError as error:
        log.warning("serving_stats_not_read", error=str(error))
        return {}
    return {
        revision_id: ServingStats(**orjson.loads(body))
        for revision_id, body in zip(wanted, found, strict=True)
        if body is not None
    }


def health_of(provider: str) -> ProviderHealth | None:
    """What a provider last said of itself; None where it has been silent for a minute."""
    try:
        body = _redis().get(_health_key(provider))
    except redis.RedisError as error:
        log.warning("serving_health_not_read", error=str(error))
        return None
    if body is None:
        return None
    said = orjson.loads(body)
    return ProviderHealth(said["tier"], tuple(said["formats"]), tuple(said["warnings"]))


def keep(provider: str, health: ProviderHealth, replicas: Iterable[ReplicaStats]) -> None:
    """Keep what a provider said. Raises redis.RedisError."""
    seen = list(replicas)
    before = of([replica.revision_id for replica in seen])
    now = time.time()
    pipeline = _redis().pipeline(transaction=False)
    pipeline.set(_health_key(provider), orjson.dumps(asdict(health)), ex=HEALTH_KEEP_S)
    for replica in seen:
        stated = asdict(_stats(replica, before.get(replica.revision_id), now))
        pipeline.set(_key(replica.revision_id), orjson.dumps(stated), ex=KEEP_S)
    pipeline.execute()


def _stats(replica: ReplicaStats, before: ServingStats | None, now: float) -> ServingStats:
    return ServingStats(
        state=str(replica.phase),
        requests_per_s=_rate(before, replica.requests, "requests", now),
        p50_ms=replica.p50_ms,
        p95_ms=replica.p95_ms,
        requests=replica.requests,
        errors=replica.errors,
        errors_per_s=_rate(before, replica.errors, "errors", now),
        rows=replica.rows,
        memory_bytes=replica.memory_bytes,
        tier=replica.tier,
        format=replica.format,
        converted=replica.converted,
        restarts=replica.restarts,
        last_error=replica.last_error,
        started_at=replica.started_at,
        at=now,
    )


def _rate(before: ServingStats | None, count: int, name: str, now: float) -> float:
    if before is None or now <= before.at:
        return 0.0
    # The provider counts from 0 again where it was started again.
    grown = count - getattr(before, name)
    return max(0, grown if grown >= 0 else count) / (now - before.at)


def _key(revision_id: str) -> str:
    return f"serving:stats:{revision_id}"


def _health_key(provider: str) -> str:
    return f"serving:health:{provider}"


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
        # A page does not wait for what it can be drawn without.
        retry=None,
    )
