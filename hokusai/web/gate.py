"""Who calls, and how often: one Redis script for key, limits and epochs; else PostgreSQL."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import redis
from prometheus_client import Counter

from hokusai.accounts import keys
from hokusai.web.callers import Caller, Counted, dump, find_caller, parse
from hokusai.web.counters import WINDOW_S, target_counter, window
from hokusai.web.shelf import Shelf, ShelfDown

IDENTITY_S = 30.0
UNKNOWN_S = 5.0
UNKNOWN_MAX = 1024
UNLIMITED = Counter(
    "hokusai_hot_unlimited_total", "Requests answered without a limit because Redis was down"
)

# KEYS identity, counter, epoch, counter of the target, epoch of the authentication service.
# ARGV life of counters (s), the identity where it is known, how long to keep it (ms; 0: not),
# project and model of the target.
# An unknown key counts nothing, so that random keys leave no trace in Redis; and nobody uses up
# the limit of a target who may not ask it.
SCRIPT = b"""
local identity = redis.call('GET', KEYS[1])
if ARGV[2] ~= '' then
  identity = ARGV[2]
  if ARGV[3] ~= '0' then redis.call('SET', KEYS[1], identity, 'PX', ARGV[3]) end
end
if not identity then return {false, 0, false, 0, false} end
local function increase(name)
  local count = redis.call('INCR', name)
  if count == 1 then redis.call('EXPIRE', name, ARGV[1]) end
  return count
end
local function holds(list, value)
  for _, each in ipairs(list) do if each == value then return true end end
  return false
end
local count, target, known = increase(KEYS[2]), 0, false
if KEYS[4] ~= '' then
  local caller = cjson.decode(identity)
  local own = caller[2] == tonumber(ARGV[4]) and holds(caller[3], 'predict')
  local named = #caller[6] == 0 or holds(caller[6], ARGV[5])
  if own and named and count <= caller[4] then target = increase(KEYS[4]) end
end
if KEYS[5] ~= '' then known = redis.call('GET', KEYS[5]) end
return {identity, count, redis.call('GET', KEYS[3]), target, known}
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Admission:
    """A caller, how often it called in this minute, and the epochs that were asked for.

    `target_count` is how often everybody asked the target that has a limit of its own. Without
    Redis the counts are 0, the epochs None and `counted` False.
    """

    caller: Caller
    count: int
    epoch: bytes | None
    target_count: int = 0
    external_epoch: bytes | None = None
    counted: bool = True

    @property
    def over_limit(self) -> bool:
        return self.count > self.caller.rate_per_minute


def identity_key(secret_hash: bytes) -> str:
    """Where Redis keeps what a key's hash stands for."""
    return f"hot:caller:{secret_hash.hex()}"


class Gate:
    """Admits callers. Thread-safe."""

    def __init__(self) -> None:
        self._redis = Shelf()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, secret: str, watched: str, counted: Counted | None = None) -> Admission | None:
        """Count one request of a key; None for a key that is unknown, revoked or expired.

        `watched` names an epoch in Redis that is read along; `counted` a limit beside the key's.
        """
        hashed = keys.secret_hash(secret)
        if self._known_as_unknown(hashed):
            return None
        names = (identity_key(hashed), _counter(hashed.hex()), watched, _target(counted), "")
        reply = self._ask(names, b"", 0, counted)
        if reply is not None and reply[0]:
            return _admission(parse(reply[0]), reply)
        return self._admit_from_database(hashed, names, counted)

    def count(
        self, caller: Caller, watched: str, counted: Counted | None, external_epoch: str
    ) -> Admission:
        """Count one request of a caller who is known already; the epoch is read along."""
        names = ("", _counter(caller.key_id), watched, _target(counted), external_epoch)
        reply = self._ask(names, dump(caller), 0, counted)
        if reply is None:
            UNLIMITED.inc()
            return Admission(caller, 0, None, counted=False)
        return Admission(caller, reply[1], reply[2], reply[3], reply[4])

    def _admit_from_database(
        self, hashed: bytes, names: tuple[str, ...], counted: Counted | None
    ) -> Admission | None:
        caller = find_caller(hashed)
        if caller is None:
            self._remember_unknown(hashed)
            return None
        life_s = IDENTITY_S
        if caller.expires_at is not None:
            life_s = min(life_s, caller.expires_at - time.time())
        reply = self._ask(names, dump(caller), max(1, int(life_s * 1000)), counted)
        if reply is None:
            UNLIMITED.inc()
            return Admission(caller, 0, None, counted=False)
        return _admission(caller, reply)

    def _ask(
        self, names: tuple[str, ...], identity: bytes, life_ms: int, counted: Counted | None = None
    ) -> list[Any] | None:
        """The script's reply; None while Redis is down."""
        of_target = (counted.project_id, counted.model_id) if counted else (0, "")
        arguments = (len(names), *names, WINDOW_S + 1, identity, life_ms, *of_target)
        try:
            return self._evaluate(arguments)
        except ShelfDown:
            return None

    def _evaluate(self, arguments: tuple[Any, ...]) -> list[Any]:
        try:
            reply: list[Any] = self._redis.ask("EVALSHA", SCRIPT_SHA, *arguments)
        except redis.exceptions.NoScriptError:
            reply = self._redis.ask("EVAL", SCRIPT, *arguments)
        return reply

    def _known_as_unknown(self, hashed: bytes) -> bool:
        return self._unknown.get(hashed, 0.0) > time.monotonic()

    def _remember_unknown(self, hashed: bytes) -> None:
        self._unknown[hashed] = time.monotonic() + UNKNOWN_S
        while len(self._unknown) > UNKNOWN_MAX:
            self._unknown.popitem(last=False)


def _admission(caller: Caller, reply: list[Any]) -> Admission | None:
    if caller.expires_at is not None and caller.expires_at <= time.time():
        return None
    return Admission(caller, reply[1], reply[2], reply[3])


def _counter(name: str) -> str:
    return f"hot:count:{name}:{window()}"


def _target(counted: Counted | None) -> str:
    return target_counter(counted.name) if counted else ""
