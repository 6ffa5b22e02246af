"""Rows on their way into the database: by COPY into one table, taken from there by SQL."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection

_FORGET = "DELETE FROM registry_trackingintake WHERE batch = %s"


@contextmanager
def staged(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of JSON under a batch id, within a transaction; they are gone when it ends."""
    batch = str(uuid.uuid4())
    # Made beforehand: whatever makes them may ask the database, which is deaf during a COPY.
    lines = [(batch, orjson.dumps(row).decode()) for row in rows]
    with connection.cursor() as cursor:
        statement = "COPY registry_trackingintake (batch, row) FROM STDIN"
        with cursor.cursor.copy(statement) as copy:
            for line in lines:
                copy.write_row(line)
    yield batch
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [batch])


def ask(statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run one statement; its rows, none where it returns nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def hashed() -> Iterator[None]:
    """Joins by hash alone: of rows that came in this transaction the planner knows nothing, and
    a loop over ten thousand of them takes a hundred million steps."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = on")


def moment(time_ms: int) -> datetime | None:
    """A time of the tracking server's; None for 0, which it writes for none."""
    return datetime.fromtimestamp(time_ms / 1000, UTC) if time_ms else None


def made_at(time_ms: int) -> datetime:
    """When something was made there; the epoch where the tracking server does not say."""
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def stated(time_ms: int) -> str | None:
    """A time as PostgreSQL reads it from JSON."""
    at = moment(time_ms)
    return at.isoformat() if at else None


def kept(text: str, limit: int | None = None) -> str:
    """Text that PostgreSQL can hold: no NUL, no lone surrogate, cut where there is a limit."""
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    return clean[:limit]


def kept_values(values: Mapping[str, str]) -> dict[str, str]:
    """Names and texts that PostgreSQL can hold."""
    return {kept(key): kept(value) for key, value in values.items()}
