"""Who calls, as far as a hot route needs it, and how Redis keeps that."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import orjson

from hokusai.accounts.models import ApiKey


@dataclass(frozen=True, slots=True)
class Caller:
    """A usable API key, or what the authentication service said of a token.

    `key_id` is its public id; `expires_at`: seconds since 1970; without `model_ids` it may be used
    for every model of its project.
    """

    key_id: str
    project_id: int
    scopes: frozenset[str]
    rate_per_minute: int
    expires_at: float | None
    model_ids: frozenset[str] = frozenset()
    source: Literal["key", "external"] = "key"

    def may(self, scope: str) -> bool:
        """Whether it may be used for a scope; writing includes reading."""
        return scope in self.scopes or (scope == "read" and "write" in self.scopes)

    def may_use(self, model_id: str) -> bool:
        """Whether it may be used for a model, as far as it is limited to some."""
        return not self.model_ids or model_id in self.model_ids


class Counted(NamedTuple):
    """A limit beside the caller's own, shared by everybody who may ask the same thing.

    It counts only whoever may do so: callers of the project, with the scope to predict, that are
    not limited to other models than `model_id` and are below their own limit.
    """

    name: str
    per_minute: int
    project_id: int
    model_id: str


def find_caller(hashed: bytes) -> Caller | None:
    """The caller behind a key's hash, from PostgreSQL."""
    row = (
        ApiKey.objects.usable()
        .filter(secret_hash=hashed)
        .values_list(
            "public_id", "project_id", "scopes", "rate_per_minute", "expires_at", "model_ids"
        )
        .first()
    )
    if row is None:
        return None
    expires_at = row[4].timestamp() if row[4] else None
    return Caller(row[0], row[1], frozenset(row[2]), row[3], expires_at, frozenset(row[5]))


def dump(caller: Caller) -> bytes:
    """What Redis keeps of a caller, and what the gate's script reads."""
    return orjson.dumps(
        [
            caller.key_id,
            caller.project_id,
            sorted(caller.scopes),
            caller.rate_per_minute,
            caller.expires_at,
            sorted(caller.model_ids),
            caller.source,
        ]
    )


@lru_cache(maxsize=1024)
def parse(identity: bytes) -> Caller:
    """The caller that `dump` wrote."""
    key_id, project_id, scopes, rate, expires_at, model_ids, source = orjson.loads(identity)
    return Caller(
        key_id, project_id, frozenset(scopes), rate, expires_at, frozenset(model_ids), source
    )
