"""The proof bundle of an attestation, read from its rows and from the log."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from contributions.algorithms.bundle import (
    BundleError,
    KeyEntry,
    LogEntry,
    Proof,
    ShownRows,
    Standing,
    encode_bundle,
)
from contributions.algorithms.statement import PREDICATE_TYPE, written_time
from contributions.models import Attestation
from contributions.status_lists import StatusProof, entry_and_proof
from experiments.choices import EvaluationRole, Split
from experiments.models import Attempt, Comparison, Confirmation
from experiments.outcomes import outcome_lines
from hokusai.core.canonical import parse_canonical
from hokusai.core.errors import Conflict
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.transparency import services as log
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.models import Checkpoint, LogLeaf, LogRecord
from hokusai.transparency.policy import log_key, threshold, witnesses

TRUST_FORMAT = "hokusai-trust"
SHOWN_ROLES = (EvaluationRole.BASELINE, EvaluationRole.CANDIDATE)


class BundleNotReady(Conflict):
    """What the proof needs is not in the log yet, or not in a checkpoint."""

    code = "bundle_not_ready"


class NoBundle(Conflict):
    """There is no bundle of this attestation: it is older than the log, or too large for one."""

    code = "no_bundle"


def bundle_of(attestation: Attestation, *, with_rows: bool = False) -> bytes:
    """Everything that a verifier needs to repeat an attestation, as one file.

    Raises BundleNotReady until a checkpoint shows all of it, NoBundle for a statement of version 1
    or more than 64 MiB; ContentMissing or ContentDamaged where rows are asked for.
    """
    statement = parse_canonical(attestation.statement.encode())
    if statement.get("predicateType") != PREDICATE_TYPE or attestation.log_record is None:
        raise NoBundle("This attestation is older than the log; its envelope is all there is.")
    checkpoint = _checkpoint()
    standing = entry_and_proof(attestation, checkpoint.size)
    if standing is None:
        raise _not_ready("The status of this attestation is not in a checkpoint yet.")
    comparison = attestation.improvement.comparison
    key_ids = _key_ids(attestation)
    keys = _key_records(key_ids, checkpoint.size)
    shown = [*_own_records(attestation, standing), *_attempts(comparison), *keys]
    hidden = [record for attempt in comparison.attempts.all() for record in _earlier(attempt)]
    entries = _entries(shown, hidden, checkpoint)
    place = next(entry.index for entry in entries if entry.digest == _digest(standing))
    proof = Proof(
        statement=statement,
        envelope=attestation.envelope,
        eip712=attestation.eip712 or None,
        checkpoint=log.note_of(checkpoint),
        log=entries,
        keys=_keys(key_ids, keys),
        status=Standing(place, standing.entry.decode(), standing.index, standing.path),
        evidence=_evidence(comparison),
        rows=_rows(comparison) if with_rows else None,
    )
    try:
        return encode_bundle(proof)
    except BundleError as error:
        raise NoBundle(str(error)) from error


def trust_of_this_instance() -> dict[str, Any]:
    """What a verifier must be told to believe this instance, for `verify_hokusai.py --trust`."""
    keys = SigningKey.objects.of(Purpose.LOG).filter(compromised_at=None)
    stolen = SigningKey.objects.exclude(compromised_from_index=None)
    return {
        "format": TRUST_FORMAT,
        "version": 1,
        "instance": settings.INSTANCE_NAME,
        "environments": [settings.ENVIRONMENT_NAME],
        "log": [str(log_key(pem)) for pem in keys.values_list("public_pem", flat=True)],
        "witnesses": {
            "required": threshold(),
            "keys": [str(witness.key) for witness in witnesses()],
        },
        "signers": {"required": 1, "keys": []},
        "compromised": dict(stolen.values_list("key_id", "compromised_from_index")),
    }


def _checkpoint() -> Checkpoint:
    found = log.witnessed_checkpoint()
    if found is None:
        raise _not_ready("There is no checkpoint that enough witnesses cosigned yet.")
    return found


def _not_ready(why: str) -> BundleNotReady:
    seconds = math.ceil(settings.CHECKPOINT_S)
    return BundleNotReady(f"{why} The log's next checkpoint comes within {seconds} s.")


def _own_records(attestation: Attestation, standing: StatusProof) -> list[LogRecord]:
    """The attestation, the status list and, where there is one, the revocation."""
    revocation = getattr(attestation, "revocation", None)
    taken_back = None if revocation is None else revocation.log_record
    records = (attestation.log_record, standing.list.log_record, taken_back)
    return [record for record in records if record is not None]


def _digest(standing: StatusProof) -> str:
    digest: str = standing.list.log_record.digest
    return digest


def _attempts(comparison: Comparison) -> list[LogRecord]:
    return [attempt.record for attempt in comparison.attempts.select_related("record")]


def _earlier(attempt: Attempt) -> Iterable[LogRecord]:
    """The records that an attempt follows, back to the first; their statements stay here."""
    found = LogRecord.objects.filter(
        kind=RecordKind.ATTEMPT,
        attempt__project=attempt.project_id,
        attempt__split=attempt.split,
        pk__lt=attempt.record_id,
    )
    by_digest = {record.digest: record for record in found}
    record = by_digest.get(attempt.record.previous)
    while record is not None:
        yield record
        record = by_digest.get(record.previous)


def _key_ids(attestation: Attestation) -> list[str]:
    signers = [signature["keyid"] for signature in attestation.envelope["signatures"]]
    chain = attestation.eip712.get("key_id")
    return [*signers, chain] if chain else signers


def _key_records(key_ids: Sequence[str], size: int) -> list[LogRecord]:
    """What the log of a size says of some keys. Raises BundleNotReady before it introduces one."""
    subjects = [SigningKey(key_id=key_id).public_id for key_id in key_ids]
    found = LogRecord.objects.filter(
        kind=RecordKind.KEY, subject__in=subjects, leaf__index__lt=size
    ).order_by("pk")
    records = list(found)
    if {_event(record)["keyId"] for record in records} != set(key_ids):
        raise _not_ready("A signing key is not introduced in a checkpoint yet.")
    return records


def _event(record: LogRecord) -> dict[str, Any]:
    statement: dict[str, Any] = parse_canonical(record.statement.encode())
    return statement


def _keys(key_ids: Sequence[str], records: Sequence[LogRecord]) -> list[KeyEntry]:
    """The keys as their records leave them: a retirement brings the end forward."""
    events: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        event = _event(record)
        events.setdefault(event["keyId"], []).append(event)
    pems = dict(SigningKey.objects.filter(key_id__in=key_ids).values_list("key_id", "public_pem"))
    return [_key(pems[key_id], found) for key_id, found in events.items()]


def _key(public_pem: str, events: Sequence[dict[str, Any]]) -> KeyEntry:
    first = events[0]
    ends = [_second(event["validUntil"]) for event in events if event["validUntil"]]
    return KeyEntry(
        key_id=first["keyId"],
        algorithm=first["algorithm"],
        purpose=first["purpose"],
        public_pem=public_pem,
        valid_from=_second(first["validFrom"]),
        valid_until=min(ends, default=""),
    )


def _second(text: str) -> str:
    return written_time(datetime.fromisoformat(text))


def _entries(
    shown: Sequence[LogRecord], hidden: Sequence[LogRecord], checkpoint: Checkpoint
) -> list[LogEntry]:
    """The records with their proofs; of the hidden ones the digest alone."""
    by_key = {record.pk: record for record in (*hidden, *shown)}
    leaves = LogLeaf.objects.filter(record__in=by_key, index__lt=checkpoint.size)
    places: dict[int, int] = dict(leaves.values_list("record_id", "index"))
    if len(places) < len(by_key):
        raise _not_ready("A record of this attestation is not in a checkpoint yet.")
    told = {record.pk for record in shown}
    indices = [places[key] for key in by_key]
    proofs = dict(zip(by_key, log.inclusions(indices, checkpoint.size), strict=True))
    return [
        LogEntry(
            index=places[key],
            kind=record.kind,
            key_id=record.key_id,
            previous=record.previous,
            digest=record.digest,
            statement=record.statement if key in told else None,
            path=proofs[key].hashes,
        )
        for key, record in by_key.items()
    ]


def _evidence(comparison: Comparison) -> dict[str, Any]:
    evidence = {Split.SCREENING.value: comparison.statistics["evidence"]}
    confirmation = Confirmation.objects.filter(comparison=comparison).first()
    if confirmation is not None and confirmation.statistics.get("evidence"):
        evidence[Split.CONFIRMATION.value] = confirmation.statistics["evidence"]
    return evidence


def _rows(comparison: Comparison) -> dict[str, dict[str, ShownRows]]:
    rows: dict[str, dict[str, ShownRows]] = {}
    for evaluation in comparison.evaluations.filter(role__in=SHOWN_ROLES):
        lines = tuple(line.decode() for line in outcome_lines(evaluation))
        shown = ShownRows(evaluation.outcomes_secret, lines)
        rows.setdefault(evaluation.split, {})[evaluation.role] = shown
    return rows
