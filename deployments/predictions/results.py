"""Results that are kept: the same bytes of a model, asked the same, answer the same.

Nothing outdates a result but another digest and time; so it needs no invalidation.
"""

import hashlib
from functools import cache
from typing import Final

from django.conf import settings
from prometheus_client import Counter

from deployments.endpoints import Target
from deployments.predictions.table import Table
from hokusai.web.shelf import ShelfDown, shelf

MAX_BYTES: Final = 256 * 1024
PREFIX: Final = "predict:result:"
# Beside the rows nothing is asked yet; whoever adds a parameter adds it to what is hashed.
PARAMETERS: Final = b""
HASH_BYTES: Final = 24
UNCACHED = Counter(
    "hokusai_predictions_uncached_total", "Predictions without a cache because Redis was down"
)


def name_of(target: Target, table: Table) -> str:
    """Where the result of these rows is kept; tells nothing of them without the secret."""
    columns, values = table.canonical()
    seen = hashlib.blake2b(key=_key(settings.SECRET_KEY), digest_size=HASH_BYTES)
    parts = f"{target.project_id}|{target.digest}|{target.converted_digest}|{len(columns)}|"
    seen.update(parts.encode() + PARAMETERS + columns)
    seen.update(values)
    return PREFIX + seen.hexdigest()


def find(name: str) -> bytes | None:
    """The outputs kept under a name, as JSON; None where there are none."""
    try:
        kept: bytes | None = shelf.ask("GET", name)
    except ShelfDown:
        UNCACHED.inc()
        return None
    return kept


def keep(name: str, outputs: bytes, seconds: int) -> None:
    """Keep outputs for a while, unless they are large."""
    if len(outputs) > MAX_BYTES:
        return
    try:
        shelf.tell("SET", name, outputs, "EX", seconds)
    except ShelfDown:
        UNCACHED.inc()


@cache
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"prediction results|" + secret.encode()).digest()
