"""Rows by a prepared statement, past the query compiler: for reads asked all the time."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

THRESHOLD = 5


def fetch_row(statement: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row, as `fetch_rows` answers them."""
    rows = fetch_rows(statement, parameters)
    return rows[0] if rows else None


def fetch_rows(
    statement: str, parameters: Sequence[Any], *, replan: bool = False
) -> list[tuple[Any, ...]]:
    """All rows, over the connection and in the transaction that the ORM uses.

    Values come as psycopg loads them; JSON columns as text. `replan`: the plan depends on the
    values, so the statement is not prepared.
    """
    connection.ensure_connection()
    raw = connection.connection
    # A pool that shares sessions between transactions loses prepared statements.
    prepare = not replan and not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
    if prepare and raw.prepare_threshold is None:
        # Django forbids preparing; its own cursors bind on the client and never prepare anyway.
        raw.prepare_threshold = THRESHOLD
    with connection.wrap_database_errors, psycopg.RawCursor(raw) as cursor:
        cursor.execute(_numbered(statement), parameters, prepare=prepare)
        return cursor.fetchall()


@lru_cache(maxsize=512)
def _numbered(statement: str) -> str:
    """A statement as PostgreSQL takes it; psycopg would read a long one anew each time."""
    first, *others = statement.split("%s")
    return first + "".join(f"${place}{text}" for place, text in enumerate(others, 1))


def insertion(row: Model, **references: str) -> tuple[str, list[Any]]:
    """`INSERT …` of an unsaved row and its values, to be sent with others in one statement.

    `references`: SQL of columns that are known only there, such as a key made in the same one.
    """
    columns, places, values = list[str](), list[str](), list[Any]()
    for field in row._meta.concrete_fields:  # noqa: SLF001
        if field.primary_key or field.generated:
            continue
        value = getattr(row, field.attname)
        if isinstance(value, DatabaseDefault):
            continue
        columns.append(str(field.column))
        if field.attname in references:
            places.append(references[field.attname])
        else:
            places.append("%s")
            values.append(field.get_db_prep_save(value, connection))
    table = row._meta.db_table  # noqa: SLF001
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(places)})", values  # noqa: S608
