"""What all web processes keep of valid tokens in Redis; without Redis each has its own alone.

Tokens that are not valid are never kept there: whoever makes them up leaves no trace.
"""

import time
from typing import Any, Final

import redis
import structlog

from hokusai.core.errors import OutsideUnavailable
from hokusai.web.counters import shared_redis
from hokusai.web.external.verdicts import Identity, dump, parse

log = structlog.get_logger(__name__)
# Raised when identities are to be asked for again, whatever their age.
EPOCH_KEY: Final = "ext:epoch"


def read(key: str) -> tuple[str | None, Identity | None]:
    """The epoch in force and what is kept under a key; the epoch is None without Redis."""
    try:
        found: Any = shared_redis().mget([EPOCH_KEY, _name(key)])
    except redis.RedisError as error:
        log.warning("external_identities_not_shared", error=type(error).__name__)
        return None, None
    epoch, kept = found
    return epoch_of(epoch), parse(kept) if kept else None


def epoch_of(kept: bytes | None) -> str:
    """The epoch as identities name it; empty before the first."""
    return kept.decode() if kept else ""


def keep(key: str, identity: Identity, until: float) -> None:
    """Let other processes know an identity until a moment, in seconds since 1970."""
    life_ms = int((until - time.time()) * 1000)
    if life_ms <= 0:
        return
    try:
        shared_redis().set(_name(key), dump(identity), px=life_ms)
    except redis.RedisError as error:
        log.warning("external_identities_not_shared", error=type(error).__name__)


def drop(key: str) -> None:
    """Let no process know it any more."""
    try:
        shared_redis().delete(_name(key))
    except redis.RedisError as error:
        log.warning("external_identities_not_shared", error=type(error).__name__)


def raise_epoch() -> None:
    """Let every process ask again about everybody. Raises OutsideUnavailable without Redis."""
    try:
        shared_redis().incr(EPOCH_KEY)
    except redis.RedisError as error:
        raise OutsideUnavailable("Redis does not answer.") from error


def _name(key: str) -> str:
    return f"ext:token:{key}"
