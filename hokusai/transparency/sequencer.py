"""The one sequencer: seals committed events, gives committed records their place in the tree.

One runs at a time, under a lock of the database. A row that is visible is committed; what has no
leaf or seal yet is found by an anti-join that a hint keeps short. Where the hint is lost, or is
of another cluster (a restored database), the search is over all.
"""

from django.db import connection, transaction

from hokusai.transparency.leaves import append_leaves, leaf_bytes, tree_size
from hokusai.transparency.models import SequencerHint
from hokusai.transparency.sealer import Position, seal_batch

RECORDS_PER_BATCH = 5_000
HINT = 1
_KEY = "(hashtextextended('transparency.sequencer', 0))"
_WAIT = f"SELECT pg_advisory_xact_lock{_KEY} IS NOT NULL"
_TRY = f"SELECT pg_try_advisory_xact_lock{_KEY}"
_CLUSTER = (
    "SELECT system_identifier, pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    " FROM pg_control_system()"
)
_UNSEQUENCED = (
    "SELECT r.id, r.kind, r.digest, r.key_id, r.previous FROM transparency_logrecord r"
    " WHERE r.xact >= %s AND NOT EXISTS"
    " (SELECT 1 FROM transparency_logleaf l WHERE l.record_id = r.id)"
    " ORDER BY r.xact, r.id LIMIT %s"
)


def sequence_batch(*, wait: bool = True) -> tuple[int, bool]:
    """Seal and append one batch in a transaction of its own.

    How many leaves, and whether more may be waiting; none where another sequences and `wait` is
    false.
    """
    with transaction.atomic():
        if not _locked(wait=wait):
            return 0, False
        position = _position()
        more_events = seal_batch(position)
        count = _append_batch(position)
        full = count == RECORDS_PER_BATCH
        if not full:
            position.records_from = position.horizon
        if not more_events if position.foreign else count:
            _keep(position)
    return count, full or more_events


def _locked(*, wait: bool) -> bool:
    """Until the transaction ends nobody else appends; later statements see what was committed."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT if wait else _TRY)
        return bool(cursor.fetchone()[0])


def _position() -> Position:
    with connection.cursor() as cursor:
        cursor.execute(_CLUSTER)
        system, horizon = cursor.fetchone()
    hint = SequencerHint.objects.filter(pk=HINT).first()
    if hint is None:
        return Position(system, horizon)
    if hint.system != system:
        return Position(system, horizon, foreign=True)
    return Position(system, horizon, hint.records_from, hint.events_from)


def _append_batch(position: Position) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_UNSEQUENCED, [position.records_from, RECORDS_PER_BATCH])
        found = cursor.fetchall()
    if found:
        leaves = [
            (key, leaf_bytes(kind=kind, digest=digest, key_id=key_id, previous=previous))
            for key, kind, digest, key_id, previous in found
        ]
        append_leaves(tree_size(), leaves)
    return len(found)


def _keep(position: Position) -> None:
    SequencerHint.objects.update_or_create(
        pk=HINT,
        defaults={
            "system": position.system,
            "records_from": position.records_from,
            "events_from": position.events_from,
        },
    )
