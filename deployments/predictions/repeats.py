"""`Idempotency-Key` of predictions, in Redis: a repeat is answered as the first was.

A prediction changes nothing. So without Redis it is made anew rather than refused, and an answer
that is too large to keep is made anew as well.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import orjson
from prometheus_client import Counter

from deployments.predictions.given import Given
from hokusai.core.errors import InvalidInput
from hokusai.web.idempotency import HEADER, LIFETIME, MAX_KEY
from hokusai.web.problems import InFlight, KeyReused
from hokusai.web.shelf import ShelfDown, shelf

PREFIX: Final = "predict:once:"
# Beyond the deadline, for what comes before and after the model.
MARGIN_S: Final = 30
MAX_BYTES: Final = 1024 * 1024
RETRY_AFTER_S: Final = 1
UNKEPT = Counter(
    "hokusai_predictions_not_idempotent_total",
    "Predictions with an Idempotency-Key that were made anew because Redis was down",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to the first request."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer first. `name` is empty where Redis keeps nothing."""

    name: str = ""
    digest: str = ""


def claim(given: Given, patience_s: float) -> Claim | Kept:
    """The right to answer, or the answer that was given.

    Raises InvalidInput for an unsound key, KeyReused for another body, InFlight while the first
    is unanswered.
    """
    name, digest = _name(given), _digest(given)
    life_s = int(patience_s) + MARGIN_S
    try:
        if shelf.ask("SET", name, digest, "NX", "EX", life_s) is not None:
            return Claim(name, digest)
        kept = shelf.ask("GET", name)
    except ShelfDown:
        UNKEPT.inc()
        return Claim()
    if kept is None:
        # It ended in this very moment: whoever asks next begins anew.
        return Claim()
    return _read(kept, digest)


def keep(claimed: Claim, status: int, headers: dict[str, str], body: bytes) -> None:
    """Let repeats be answered with this for a day."""
    if not claimed.name:
        return
    if len(body) > MAX_BYTES:
        forget(claimed)
        return
    head = orjson.dumps([claimed.digest, status, headers])
    seconds = int(LIFETIME.total_seconds())
    _tell("SET", claimed.name, head + b"\n" + body, "EX", seconds)


def forget(claimed: Claim) -> None:
    """Let the next request with this key be answered anew."""
    if claimed.name:
        _tell("DEL", claimed.name)


def _tell(*command: Any) -> None:
    try:
        # With its reply: a repeat on another connection must find what was kept.
        shelf.ask(*command)
    except ShelfDown:
        UNKEPT.inc()


def _read(kept: bytes, digest: str) -> Kept:
    head, separator, body = kept.partition(b"\n")
    if not separator:
        _require_same(head.decode(), digest)
        raise InFlight(
            "The first request with this key has not been answered yet.",
            retry_after_s=RETRY_AFTER_S,
        )
    first, status, headers = orjson.loads(head)
    _require_same(first, digest)
    return Kept(status, headers, body)


def _require_same(first: str, digest: str) -> None:
    if first != digest:
        raise KeyReused("This key was used with another body; use a new key.")


def _name(given: Given) -> str:
    key = given.repeat_key
    if not key.isascii() or not key.isprintable() or len(key) > MAX_KEY:
        raise InvalidInput(f"{HEADER} is 1 to {MAX_KEY} printable ASCII characters.")
    identity = "|".join((given.principal, given.route, key))
    return PREFIX + hashlib.sha256(identity.encode()).hexdigest()


def _digest(given: Given) -> str:
    said = hashlib.sha256(given.media_type.encode() + b"\n")
    said.update(given.body)
    return said.hexdigest()
