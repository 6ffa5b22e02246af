"""Lists of what became of every attestation: their roots are leaves of the log.

Whoever holds a proof that an entry is in a list, and that the list is in the log, can say without
asking anybody: valid, not revoked as of that checkpoint.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from contributions.algorithms.statement import validate_statement, written_time
from contributions.algorithms.statement_rules import STATUS_LIST_TYPE
from contributions.algorithms.status_entries import path_of
from contributions.choices import AttestationStatus
from contributions.models import Attestation, StatusList
from hokusai.core.canonical import canonical_bytes
from hokusai.core.events import SYSTEM, record
from hokusai.core.merkle import leaf_hash, root
from hokusai.transparency import services as log
from hokusai.transparency.choices import RecordKind

VALID, REVOKED = "valid", "revoked"
LOCK = "contributions.status_lists"
Entry = dict[str, str]


@dataclass(frozen=True, slots=True)
class StatusProof:
    """An attestation's entry and the hashes from its leaf up to the root of a list."""

    list: StatusList
    entry: bytes
    index: int
    size: int
    path: tuple[bytes, ...]

    @property
    def status(self) -> str:
        """Valid or revoked, as of the list."""
        found: str = self.list.entries[self.index]["status"]
        return found


@transaction.atomic
def refresh() -> StatusList | None:
    """Issue the next list if anything changed since the last; None where nothing did."""
    with connection.cursor() as cursor:
        # Held to the end: numbers have no gaps, and a later list never says less.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK])
    entries, last = _entries(), StatusList.objects.first()
    if entries == (last.entries if last else []):
        return None
    number = (last.number if last else 0) + 1
    statement = _statement(number, entries)
    previous = last.log_record.digest if last else ""
    made = StatusList.objects.create(
        number=number,
        statement=canonical_bytes(statement).decode(),
        entries=entries,
        log_record=log.append(
            RecordKind.STATUS, statement, subject=f"status_list_{number}", previous=previous
        ),
    )
    record(
        "status-list:issued",
        subject=f"status_list_{number}",
        actor=SYSTEM,
        project_id=None,
        label=str(made),
        after={"size": len(entries)},
    )
    return made


def entry_and_proof(attestation: Attestation, size: int | None = None) -> StatusProof | None:
    """What the newest list says of an attestation; None where none names it.

    `size`: only lists whose leaf lies below this size of the log, as a checkpoint of it shows.
    """
    lists = StatusList.objects.select_related("log_record__leaf")
    if size is not None:
        lists = lists.filter(log_record__leaf__index__lt=size)
    found = lists.first()
    if found is None:
        return None
    names = [entry["attestation"] for entry in found.entries]
    if attestation.statement_id not in names:
        return None
    index = names.index(attestation.statement_id)
    leaves = [leaf_hash(canonical_bytes(entry)) for entry in found.entries]
    return StatusProof(
        list=found,
        entry=canonical_bytes(found.entries[index]),
        index=index,
        size=len(leaves),
        path=path_of(leaves, index),
    )


def _entries() -> list[Entry]:
    """One entry for each attestation that was ever complete, by its id."""
    found = (
        Attestation.objects.exclude(status=AttestationStatus.PENDING)
        .order_by("statement_id")
        .values_list("statement_id", "status", "revocation__log_record__digest")
    )
    return [
        {
            "attestation": statement_id,
            "revocation": digest or "",
            "status": REVOKED if status == AttestationStatus.REVOKED else VALID,
        }
        for statement_id, status, digest in found
    ]


def _statement(number: int, entries: list[Entry]) -> dict[str, Any]:
    leaves = [leaf_hash(canonical_bytes(entry)) for entry in entries]
    statement = {
        "_type": STATUS_LIST_TYPE,
        "number": number,
        "size": len(entries),
        "root": {"sha256": root(leaves).hex()},
        "issuedOn": written_time(timezone.now()),
        "issuer": {
            "instance": settings.INSTANCE_NAME,
            "environment": settings.ENVIRONMENT_NAME,
        },
    }
    validate_statement(statement, STATUS_LIST_TYPE)
    return statement
