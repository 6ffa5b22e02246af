"""Rows by a prepared statement, past the query compiler: for reads asked all the time."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection

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
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        cursor.execute(statement, parameters, prepare=prepare)
        return cursor.fetchall()
