"""What a statement must satisfy: its JSON Schema by type, its size and the sums inside it."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from contributions.algorithms.improvement_rules import (
    ACCOUNT_PREFIX,
    TIME_FORMAT,
    StatementError,
    check_first,
    check_second,
    check_time,
)
from hokusai.core.canonical import CanonicalError, canonical_bytes

__all__ = [
    "ACCOUNT_PREFIX",
    "MAX_BYTES",
    "PREDICATE_TYPE",
    "PREDICATE_TYPE_1",
    "REVOCATION_TYPE",
    "STATEMENT_TYPE",
    "STATUS_LIST_TYPE",
    "TIME_FORMAT",
    "StatementError",
    "load_schema",
    "statement_id",
    "type_of",
    "validate_statement",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE_1 = "urn:hokusai:attestation:model-improvement:v1"
PREDICATE_TYPE = "urn:hokusai:attestation:model-improvement:v2"
REVOCATION_TYPE = "urn:hokusai:attestation:revocation:v1"
STATUS_LIST_TYPE = "urn:hokusai:attestation:status-list:v1"
# What a leaf of the log may stand for.
MAX_BYTES = 64 * 1024
SCHEMAS = Path(__file__).parents[2] / "docs" / "attestation" / "schemas"


class _Kind(NamedTuple):
    schema: str
    check: Callable[[dict[str, Any]], None]
    max_bytes: int = MAX_BYTES


def _check_issued(statement: dict[str, Any]) -> None:
    check_time(statement["issuedOn"])


_KINDS = {
    # Those of version 1 were signed before there was a limit.
    PREDICATE_TYPE_1: _Kind("model-improvement-v1", check_first, 8 * 1024 * 1024),
    PREDICATE_TYPE: _Kind("model-improvement-v2", check_second),
    REVOCATION_TYPE: _Kind("revocation-v1", _check_issued),
    STATUS_LIST_TYPE: _Kind("status-list-v1", _check_issued),
}


@cache
def load_schema(statement_type: str = PREDICATE_TYPE) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one type of statement."""
    name = f"{_KINDS[statement_type].schema}.schema.json"
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text("utf-8"))
    return schema


def type_of(statement: Any) -> str:
    """The type by which a statement is read. Raises StatementError for one that is unknown."""
    if not isinstance(statement, dict):
        raise StatementError("A statement is a JSON object.")
    kind = statement.get("_type")
    if kind == STATEMENT_TYPE:
        kind = statement.get("predicateType")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise StatementError(f"No statement has the predicateType {str(kind)[:100]}.")
    return kind


def validate_statement(statement: Any, statement_type: str = "") -> None:
    """Check form and arithmetic, by the type that the statement names, or only as one type.

    Raises:
        StatementError: another type; a field is missing, unknown or of a wrong form; an integer at
            or beyond 2**53 or a float; more than 64 KiB; more than 100 contributors; an address
            without its checksum; shares that do not sum to 10,000; a delta that is not the
            difference of its scores; an interval that is reversed; a decision, or a payment, that
            its numbers do not support.
    """
    found = type_of(statement)
    if statement_type and found != statement_type:
        raise StatementError(f"A statement of the type {statement_type} is asked for.")
    kind = _KINDS[found]
    try:
        size = len(canonical_bytes(statement))
    except CanonicalError as error:
        raise StatementError(str(error)) from error
    if size > kind.max_bytes:
        raise StatementError(f"A statement has at most {kind.max_bytes:,} bytes, not {size:,}.")
    if wrong := next(_validator(found).iter_errors(statement), None):
        raise StatementError(f"{wrong.json_path}: {wrong.message[:300]}")
    kind.check(statement)


def statement_id(statement: Mapping[str, Any]) -> str:
    """Return the id of a statement: SHA-256 of its canonical bytes, in hexadecimal."""
    return sha256(canonical_bytes(dict(statement))).hexdigest()


@cache
def _validator(statement_type: str) -> Draft202012Validator:
    return Draft202012Validator(load_schema(statement_type))
