"""Showing one given row, with a proof that it was among those a version was made from.

The rows of a contribution are committed to when they are accepted; attestations name the root.
Every row has a salt of its own, so that what is shown of one confirms no guess at another.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from contributions.choices import AttestationStatus
from contributions.models import Attestation, Contribution
from experiments.algorithms.commitments import SECRET_BYTES, Disclosed, disclose, salted_root
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import Actor, record
from registry.algorithms.rows import RowError, Schema, encode_row, encode_rows
from registry.algorithms.tables import Table
from registry.models import DatasetVersion
from registry.services import read_rows, schema_of

FORMAT = "hokusai-disclosure"
VERSION = 1


@dataclass(frozen=True, slots=True)
class RowCommitment:
    """The root of the salted rows and the secret of their salts, in hexadecimal."""

    root: str
    secret: str


def commit_to(table: Table, version: DatasetVersion) -> RowCommitment:
    """Commit to the rows of a version's table, in the file's order, with a new secret."""
    secret = secrets.token_bytes(SECRET_BYTES)
    root = salted_root(_encoded(table, schema_of(version)), secret)
    return RowCommitment(root.hex(), secret.hex())


def disclose_row(
    *,
    contribution: Contribution,
    actor: Actor,
    index: int | None = None,
    row: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Show a row by its place or by its cells; what `verify_hokusai.py disclosure` takes.

    Raises Forbidden to all but the person who gave it, Conflict where the rows were never
    committed to, NotFound where there is no such row, InvalidInput for cells that do not fit.
    """
    if actor.user_id is None or actor.user_id != contribution.submitted_by_id:
        raise Forbidden("A row is shown by whoever gave it, and to nobody else.")
    if not contribution.disclosure_root:
        raise Conflict("These rows were not committed to: they were not accepted, or before that.")
    version = contribution.dataset_version
    schema = schema_of(version)
    rows = _encoded(read_rows(version), schema)
    place = index if row is None else _place(rows, row, schema)
    if place is None or not 0 <= place < len(rows):
        raise NotFound("The contribution has no such row.")
    shown = disclose(rows, bytes.fromhex(contribution.disclosure_secret), place)
    _record(contribution, actor)
    return _answer(contribution, shown)


def _encoded(table: Table, schema: Schema) -> list[bytes]:
    return encode_rows(
        {column.name: table.columns[column.name] for column in schema.columns}, schema
    )


def _place(rows: list[bytes], row: Mapping[str, Any], schema: Schema) -> int | None:
    known = {column.name for column in schema.columns}
    if unknown := sorted(set(row) ^ known):
        raise InvalidInput("Give every column of the row and no other.", columns=unknown[:20])
    try:
        wanted = encode_row(row, schema)
    except RowError as error:
        raise InvalidInput(str(error)) from error
    return rows.index(wanted) if wanted in rows else None


@transaction.atomic
def _record(contribution: Contribution, actor: Actor) -> None:
    """That a row was shown is on record, not which one."""
    record(
        "contribution:disclosed",
        subject=contribution.public_id,
        actor=actor,
        project_id=contribution.project_id,
        label=str(contribution),
        before={},
        after={},
    )


def _answer(contribution: Contribution, shown: Disclosed) -> dict[str, Any]:
    attested = Attestation.objects.filter(
        improvement__shares__contribution=contribution, status=AttestationStatus.SIGNED
    )
    return {
        "format": FORMAT,
        "version": VERSION,
        "contribution": contribution.public_id,
        "root": contribution.disclosure_root,
        "index": shown.index,
        "size": shown.size,
        "row": shown.row.hex(),
        "salt": shown.salt.hex(),
        "path": [item.hex() for item in shown.path],
        "attestations": list(attested.values_list("statement_id", flat=True)),
    }
