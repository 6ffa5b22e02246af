"""Sealing events: what is committed below the snapshot horizon, in batches that name each other.

The order of identities is not the order of commits: a transaction that is open for long makes its
events late, never lost, because each event says which transaction recorded it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from hokusai.core.canonical import canonical_bytes
from hokusai.core.merkle import leaf_hash, root
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.models import EventBatch
from hokusai.transparency.recording import write_record

EVENTS_PER_BATCH = 10_000
STATEMENT_TYPE = "urn:hokusai:log:events:v1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAST_TRANSACTION = 2**63 - 1
_UNSEALED = (
    "SELECT e.id, e.xact, e.public_id, e.digest, e.recorded_at FROM core_event e"
    " WHERE e.xact >= %s AND e.xact < %s AND NOT EXISTS"
    " (SELECT 1 FROM transparency_sealedevent s WHERE s.event_id = e.id)"
    " ORDER BY e.xact, e.id LIMIT %s"
)
_SEAL = (
    "INSERT INTO transparency_sealedevent (event_id, batch_id, position)"
    " SELECT id, %s, position - 1 FROM unnest(%s::bigint[]) WITH ORDINALITY AS t(id, position)"
)


@dataclass(slots=True)
class Position:
    """Where a pass searches; `horizon`: below this transaction nobody writes any more."""

    system: int
    horizon: int
    records_from: int = 0
    events_from: int = 0
    # A restored database has rows whose transactions another cluster counted.
    foreign: bool = False


def seal_batch(position: Position) -> bool:
    """Seal the next events as one batch with a record of its own; whether more may be waiting.

    The caller holds the sequencer's lock; `position.events_from` moves on.
    """
    before = LAST_TRANSACTION if position.foreign else position.horizon
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, [position.events_from, before, EVENTS_PER_BATCH])
        found = cursor.fetchall()
        if found:
            leaves = [event_leaf(*event) for _, _, *event in found]
            number = _write_batch(leaves)
            cursor.execute(_SEAL, [number, [key for key, *_ in found]])
    full = len(found) == EVENTS_PER_BATCH
    if not full:
        position.events_from = position.horizon
    elif not position.foreign:
        position.events_from = found[-1][1]
    return full


def event_leaf(public_id: str, digest: str, recorded_at: datetime) -> bytes:
    """The leaf hash of an event: its content by digest, with its id and time (microseconds)."""
    at = (recorded_at - EPOCH) // MICROSECOND
    return leaf_hash(canonical_bytes({"digest": digest, "id": public_id, "recordedAt": at}))


def batch_statement(number: int, leaves: Sequence[bytes], previous: str) -> dict[str, str | int]:
    """What a batch says of its events; `previous`: digest of the statement before it."""
    return {
        "count": len(leaves),
        "number": number,
        "previous": previous,
        "root": root(leaves).hex(),
        "type": STATEMENT_TYPE,
    }


def _write_batch(leaves: Sequence[bytes]) -> int:
    last = EventBatch.objects.first()
    number, previous = (last.number + 1, last.digest) if last else (1, "")
    statement = batch_statement(number, leaves, previous)
    record = write_record(
        RecordKind.EVENTS, statement, subject=f"events_{number}", previous=previous
    )
    EventBatch.objects.create(
        number=number,
        record=record,
        count=len(leaves),
        root=statement["root"],
        digest=record.digest,
    )
    return number
