"""Writing a record in the transaction of what it tells of."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from hokusai.core.canonical import CanonicalError, canonical_bytes, sha256_hex
from hokusai.core.errors import DomainError
from hokusai.core.prepared import fetch_rows, insertion
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.exceptions import StatementRefused
from hokusai.transparency.models import LogRecord

MAX_STATEMENT_BYTES = 64 * 1024


def write_record(
    kind: str, statement: Mapping[str, Any], *, subject: str, key_id: str = "", previous: str = ""
) -> LogRecord:
    """Insert what the sequencer will make a leaf of, once the caller's transaction commits.

    Raises DomainError outside a transaction, StatementRefused for a statement that is too long or
    has no canonical form.
    """
    if not connection.in_atomic_block:
        raise DomainError("A record is written in the transaction of what it tells of.")
    try:
        data = canonical_bytes(dict(statement))
    except CanonicalError as error:
        raise StatementRefused(str(error), kind=kind) from error
    if len(data) > MAX_STATEMENT_BYTES:
        raise StatementRefused(
            f"A statement has at most {MAX_STATEMENT_BYTES:,} bytes, this one {len(data):,}.",
            kind=kind,
        )
    return _inserted(
        {
            "kind": RecordKind(kind).value,
            "subject": subject,
            "statement": data.decode(),
            "digest": sha256_hex(data),
            "key_id": key_id,
            "previous": previous,
        }
    )


def _inserted(row: dict[str, str]) -> LogRecord:
    """One prepared statement: every change of note writes a record."""
    record = LogRecord(**row)
    text, values = insertion(LogRecord, {**row, "public_id": record.public_id})
    made = fetch_rows(f"{text} RETURNING id, created_at, xact", values)
    record.pk, record.created_at, record.xact = made[0]
    record._state.adding, record._state.db = False, connection.alias  # noqa: SLF001
    return record
