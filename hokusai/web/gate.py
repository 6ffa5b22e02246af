"""Who calls, and how often: one Redis script for key, limit and epoch; else PostgreSQL."""

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import orjson
import redis
from django.conf import settings
from prometheus_client import Counter

from hokusai.accounts import keys
from hokusai.accounts.models import ApiKey

IDENTITY_S = 30.0
UNKNOWN_S = 5.0
UNKNOWN_MAX = 1024
WINDOW_S = 60
PAUSE_S = 1.0
UNLIMITED = Counter(
    "hokusai_hot_unlimited_total", "Requests answered without a limit because Redis was down"
)

# KEYS identity, counter, epoch; ARGV life of the counter (s), identity to keep, its life (ms).
# An unknown key counts nothing, so that random keys leave no trace in Redis.
SCRIPT = b"""
local identity = redis.call('GET', KEYS[1])
if ARGV[2] ~= '' then
  identity = ARGV[2]
  redis.call('SET', KEYS[1], identity, 'PX', ARGV[3])
end
if not identity then return {false, 0, false} end
local count = redis.call('INCR', KEYS[2])
if count == 1 then redis.call('EXPIRE', KEYS[2], ARGV[1]) end
return {identity, count, redis.call('GET', KEYS[3])}
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Caller:
    """A usable API key, as far as a hot route needs it. `expires_at`: seconds since 1970."""

    key_id: str
    project_id: int
    scopes: frozenset[str]
    rate_per_minute: int
    expires_at: float | None

    def may(self, scope: str) -> bool:
        """Whether the key may be used for a scope; writing includes reading."""
        return scope in self.scopes or (scope == "read" and "write" in self.scopes)


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller, how often it called in this minute, and the epoch that was asked for.

    Without Redis the count is 0 and the epoch None.
    """

    caller: Caller
    count: int
    epoch: bytes | None

    @property
    def over_limit(self) -> bool:
        return self.count > self.caller.rate_per_minute


def identity_key(secret_hash: bytes) -> str:
    """Where Redis keeps what a key's hash stands for."""
    return f"hot:key:{secret_hash.hex()}"


class Gate:
    """Admits callers. Thread-safe; each thread keeps one connection to Redis."""

    def __init__(self) -> None:
        self._kept = threading.local()
        self._down_until = 0.0
        self._unknown: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, secret: str, watched: str) -> Admission | None:
        """Count one request of a key; None for a key that is unknown, revoked or expired.

        `watched` names an epoch in Redis that is read along.
        """
        hashed = keys.secret_hash(secret)
        if self._known_as_unknown(hashed):
            return None
        names = (identity_key(hashed), _counter(hashed), watched)
        reply = self._ask(names, b"", 0)
        if reply is not None and reply[0]:
            return _admission(parse(reply[0]), reply)
        return self._admit_from_database(hashed, names)

    def _admit_from_database(self, hashed: bytes, names: tuple[str, ...]) -> Admission | None:
        caller = find_caller(hashed)
        if caller is None:
            self._remember_unknown(hashed)
            return None
        life_s = IDENTITY_S
        if caller.expires_at is not None:
            life_s = min(life_s, caller.expires_at - time.time())
        reply = self._ask(names, dump(caller), max(1, int(life_s * 1000)))
        if reply is None:
            UNLIMITED.inc()
            return Admission(caller, 0, None)
        return _admission(caller, reply)

    def _ask(self, names: tuple[str, ...], identity: bytes, life_ms: int) -> list[Any] | None:
        """The script's reply; None while Redis is down."""
        now = time.monotonic()
        if now < self._down_until:
            return None
        try:
            return self._evaluate(names, identity, life_ms)
        except (redis.RedisError, OSError):
            # Not each request shall wait for the timeout: after the pause the next one tries.
            self._down_until = now + PAUSE_S
            self._drop()
            return None

    def _evaluate(self, names: tuple[str, ...], identity: bytes, life_ms: int) -> list[Any]:
        arguments = (3, *names, WINDOW_S + 1, identity, life_ms)
        try:
            reply: list[Any] = self._send("EVALSHA", SCRIPT_SHA, *arguments)
        except redis.exceptions.NoScriptError:
            reply = self._send("EVAL", SCRIPT, *arguments)
        return reply

    def _send(self, *command: Any) -> Any:
        connection = self._connection()
        packed = connection.pack_command(*command)
        try:
            connection.send_packed_command(packed, check_health=False)
            return connection.read_response()
        except redis.ConnectionError:
            # Closed while idle, or restarted: one new connection tells. A timeout is not repeated.
            self._drop()
            connection = self._connection()
            connection.send_packed_command(packed, check_health=False)
            return connection.read_response()

    def _connection(self) -> Any:
        connection: Any = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._pool.make_connection()
            connection.connect()
            self._kept.connection = connection
        return connection

    def _drop(self) -> None:
        connection = self._kept.__dict__.pop("connection", None)
        if connection is not None:
            connection.disconnect()

    @cached_property
    def _pool(self) -> redis.ConnectionPool:
        return redis.ConnectionPool.from_url(
            settings.REDIS_URL,
            socket_timeout=settings.REDIS_TIMEOUT_S,
            socket_connect_timeout=settings.REDIS_TIMEOUT_S,
            retry=None,
        )

    def _known_as_unknown(self, hashed: bytes) -> bool:
        return self._unknown.get(hashed, 0.0) > time.monotonic()

    def _remember_unknown(self, hashed: bytes) -> None:
        self._unknown[hashed] = time.monotonic() + UNKNOWN_S
        while len(self._unknown) > UNKNOWN_MAX:
            self._unknown.popitem(last=False)


def find_caller(hashed: bytes) -> Caller | None:
    """The caller behind a key's hash, from PostgreSQL."""
    row = (
        ApiKey.objects.usable()
        .filter(secret_hash=hashed)
        .values_list("public_id", "project_id", "scopes", "rate_per_minute", "expires_at")
        .first()
    )
    if row is None:
        return None
    expires_at = row[4].timestamp() if row[4] else None
    return Caller(row[0], row[1], frozenset(row[2]), row[3], expires_at)


def dump(caller: Caller) -> bytes:
    """What Redis keeps of a caller."""
    scopes = sorted(caller.scopes)
    return orjson.dumps(
        [caller.key_id, caller.project_id, scopes, caller.rate_per_minute, caller.expires_at]
    )


@lru_cache(maxsize=1024)
def parse(identity: bytes) -> Caller:
    """The caller that `dump` wrote."""
    key_id, project_id, scopes, rate, expires_at = orjson.loads(identity)
    return Caller(key_id, project_id, frozenset(scopes), rate, expires_at)


def _admission(caller: Caller, reply: list[Any]) -> Admission | None:
    if caller.expires_at is not None and caller.expires_at <= time.time():
        return None
    return Admission(caller, reply[1], reply[2])


def _counter(hashed: bytes) -> str:
    return f"hot:count:{hashed.hex()}:{int(time.time()) // WINDOW_S}"
