"""Records: statements are canonical and have their digests, and follow what they say they do."""

from collections.abc import Iterator
from typing import Any

from hokusai.core.canonical import CanonicalError, canonical_bytes, parse_canonical, sha256_hex
from hokusai.transparency.audits.findings import Findings
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.models import LogRecord

CHUNK = 2_000
# What a record follows, where that is of another kind; such a one may be older than the log.
_FOLLOWS = {RecordKind.REVOCATION.value: RecordKind.ATTESTATION.value}
# Which attempt came after which, of one ledger: (previous, ledger) -> record.
Lines = dict[tuple[str, str], int]


def check_records(findings: Findings) -> None:
    """Each record against its own statement and the one before it."""
    lines: Lines = {}
    for chunk in _chunks():
        before = _followed({record.previous for record in chunk if record.previous})
        for record in chunk:
            statement = _checked_statement(findings, record)
            if record.previous:
                _check_link(findings, record, before)
            if record.kind == RecordKind.ATTEMPT:
                _check_single(findings, record, statement, lines)


def _chunks() -> Iterator[list[LogRecord]]:
    last = 0
    while chunk := list(LogRecord.objects.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def _followed(digests: set[str]) -> dict[tuple[str, str], int]:
    """The first record of each kind and digest."""
    found = LogRecord.objects.filter(digest__in=digests).order_by("-pk")
    return {(kind, digest): key for kind, digest, key in found.values_list("kind", "digest", "pk")}


def _checked_statement(findings: Findings, record: LogRecord) -> Any:
    findings.checked("statements")
    data = record.statement.encode()
    findings.expect(
        sha256_hex(data) == record.digest,
        f"the statement of {_name(record)} is not the one of its digest",
    )
    try:
        return parse_canonical(data)
    except CanonicalError as error:
        findings.differs(f"the statement of {_name(record)} is not canonical: {error}")
        return None


def _check_link(findings: Findings, record: LogRecord, before: dict[tuple[str, str], int]) -> None:
    findings.checked("links")
    kind = _FOLLOWS.get(record.kind, record.kind)
    earlier = before.get((kind, record.previous))
    absent = earlier is None and kind != record.kind
    findings.expect(
        absent or (earlier is not None and earlier < record.pk),
        f"{_name(record)} follows {record.previous[:16]}, which is not before it",
    )


def _check_single(findings: Findings, record: LogRecord, statement: Any, lines: Lines) -> None:
    """Of one ledger each attempt is followed by one: a second line would hide how many there were.

    Ledgers of tables that share some rows join, so that another ledger may follow the same.
    """
    ledger = statement.get("ledger") if isinstance(statement, dict) else None
    place = (record.previous, canonical_bytes(ledger).decode())
    first = lines.setdefault(place, record.pk)
    findings.expect(
        ledger is None or first == record.pk,
        f"{_name(record)} follows the same attempt of its ledger as record {first}",
    )


def _name(record: LogRecord) -> str:
    return f"record {record.pk} ({record.kind} of {record.subject})"
