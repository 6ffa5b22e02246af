from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from hokusai.core import jobs
from hokusai.core.canonical import canonical_bytes, sha256_hex
from hokusai.core.errors import InvalidInput, NotFound
from hokusai.core.events import Actor, record
from hokusai.core.models import Event, Job
from hokusai.transparency.algorithms.tree import (
    Node,
    consistency_path,
    cover,
    fold,
    hashes_of,
    inclusion_path,
)
from hokusai.transparency.auditing import SUBJECT, audit
from hokusai.transparency.choices import AUDIT_REQUESTED, RecordKind
from hokusai.transparency.leaves import read_paths, tree_size
from hokusai.transparency.models import Checkpoint, LogRecord
from hokusai.transparency.publishing import note_of, publish
from hokusai.transparency.recording import write_record
from hokusai.transparency.reports import ConsistencyProof, InclusionProof, witnessed
from hokusai.transparency.sequencer import sequence_batch
from hokusai.transparency.signing import sign_checkpoint as sign_tree
from hokusai.transparency.troubles import PUBLISHING, SIGNING, watched
from hokusai.transparency.witnessing import collect_cosignatures

__all__ = [
    "append",
    "audit",
    "consistency",
    "inclusion",
    "inclusions",
    "latest_checkpoint",
    "log_key_event",
    "note_of",
    "publish_checkpoint",
    "record_for",
    "request_audit",
    "sequence",
    "sign_checkpoint",
    "witnessed_checkpoint",
]

KEY_STATEMENT_TYPE = "urn:hokusai:log:key:v1"
# Of an event about a key: what the log says, and what the event calls it.
_KEY_FACTS = {
    "purpose": "purpose",
    "algorithm": "algorithm",
    "address": "address",
    "validFrom": "valid_from",
    "validUntil": "valid_until",
    "retiredAt": "retired_at",
    "compromisedFromIndex": "compromised_from_index",
}


def append(
    kind: str, statement: Mapping[str, Any], *, subject: str, key_id: str = "", previous: str = ""
) -> LogRecord:
    """Log a statement with the change it tells of; its place in the tree is given on commit.

    `statement`: integers, text, lists and objects only, at most 64 KiB. `previous`: digest of the
    statement it follows. Raises StatementRefused; DomainError outside a transaction.
    """
    return write_record(kind, statement, subject=subject, key_id=key_id, previous=previous)


@transaction.atomic
def log_key_event(*, event: Event) -> LogRecord:
    """Log what an event says of a key, in public facts alone; with a second call, nothing more."""
    after = event.after
    statement = {
        "type": KEY_STATEMENT_TYPE,
        "event": event.public_id,
        "action": event.tag.partition(":")[2],
        "keyId": event.subject.removeprefix("key_"),
        **{name: after.get(field) for name, field in _KEY_FACTS.items()},
    }
    digest = sha256_hex(canonical_bytes(statement))
    before = record_for(event.subject, RecordKind.KEY)
    logged = LogRecord.objects.filter(digest=digest, kind=RecordKind.KEY).first()
    return logged or append(
        RecordKind.KEY,
        statement,
        subject=event.subject,
        previous=before.digest if before else "",
    )


def sequence(*, wait: bool = True) -> int:
    """Seal committed events and give every committed record its index; how many leaves came.

    Waits for a sequencer that is under way, or leaves it to that one. Call it outside a
    transaction: its lock is held until the end of the outermost one.
    """
    total, more = 0, True
    while more:
        count, more = sequence_batch(wait=wait)
        total += count
    return total


def record_for(subject: str, kind: str) -> LogRecord | None:
    """The last record of a kind about a subject, with its leaf if it has one."""
    found = LogRecord.objects.select_related("leaf").filter(subject=subject, kind=kind)
    return found.first()


def latest_checkpoint() -> Checkpoint | None:
    """The largest signed checkpoint; None before the first."""
    return Checkpoint.objects.first()


def witnessed_checkpoint() -> Checkpoint | None:
    """The largest checkpoint that as many witnesses cosigned as the policy asks for."""
    return witnessed().first()


def sign_checkpoint() -> bool:
    """In the signer's process: sign the tree if it grew; whether nothing stood in the way."""
    return watched(SIGNING, sign_tree)


def publish_checkpoint() -> bool:
    """Have the latest checkpoint cosigned and publish it; whether it could be published."""
    collect_cosignatures()
    return watched(PUBLISHING, publish)


@transaction.atomic
def request_audit(*, actor: Actor) -> Job:
    """Have a worker recompute the log. Raises Conflict where one is at it."""
    job = jobs.enqueue("log_audit", subject=SUBJECT, project_id=None, label="transparency log")
    record(
        AUDIT_REQUESTED,
        subject=SUBJECT,
        actor=actor,
        project_id=None,
        after={"job": job.public_id},
    )
    return job


def inclusion(index: int, size: int | None = None) -> InclusionProof:
    """Prove that a leaf is in the tree of a size; without one, of the whole tree.

    Raises NotFound where the leaf or the tree does not exist, InvalidInput where the tree of that
    size does not reach the leaf.
    """
    size = tree_size() if size is None else size
    if not 0 <= index < size:
        raise _outside(index, size)
    return _proved([index], size)[0]


def inclusions(indices: Sequence[int], size: int) -> list[InclusionProof]:
    """The same of several leaves of one tree, in one query however many they are."""
    if wrong := [index for index in indices if not 0 <= index < size]:
        raise _outside(wrong[0], size)
    return _proved(indices, size)


def _proved(indices: Sequence[int], size: int) -> list[InclusionProof]:
    edge = cover(0, size)
    paths = {index: inclusion_path(index, size) for index in indices}
    own = tuple(Node(0, index) for index in paths)
    # What a proof begins with, what it leads over and what it leads to, in one query.
    nodes = read_paths([edge, own], *paths.values())
    if not {*edge, *own} <= nodes.keys():
        raise _absent()
    root = fold([nodes[node] for node in edge])
    return [
        InclusionProof(
            index, size, nodes[Node(0, index)], root, tuple(hashes_of(paths[index], nodes))
        )
        for index in indices
    ]


def consistency(first: int, second: int | None = None) -> ConsistencyProof:
    """Prove that the tree of `second` leaves begins with that of `first`.

    Raises NotFound where the log is not that large, InvalidInput unless 0 < first <= second.
    """
    second = tree_size() if second is None else second
    if not 0 < first <= second:
        raise InvalidInput("Ask with 0 < first <= second.", first=first, second=second)
    path, old, new = consistency_path(first, second), cover(0, first), cover(0, second)
    nodes = read_paths([*path, old, new])
    if not set(new) <= nodes.keys():
        raise _absent()
    return ConsistencyProof(
        first=first,
        second=second,
        first_root=fold([nodes[node] for node in old]),
        second_root=fold([nodes[node] for node in new]),
        hashes=tuple(hashes_of(path, nodes)),
    )


def _outside(index: int, size: int) -> NotFound | InvalidInput:
    if index >= 0 and 0 < size <= tree_size():
        text = f"A tree of {size} leaves has no leaf {index}."
        return InvalidInput(text, index=index, size=size) if index < tree_size() else _absent()
    return _absent()


def _absent() -> NotFound:
    return NotFound("The log has no such leaf, or is not that large.", size=tree_size())
