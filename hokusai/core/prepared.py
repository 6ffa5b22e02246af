"""Rows by a prepared statement, past the query compiler: for reads asked all the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection
from django.db.models import Field, Model

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


@dataclass(frozen=True, slots=True)
class _Columns:
    """How rows of a model are inserted: `fixed` values, defaults to be made, places by name."""

    text: str
    fixed: tuple[Any, ...]
    made: tuple[tuple[int, Field], ...]
    places: Mapping[str, tuple[int, Field]]


def insertion(
    model: type[Model], given: Mapping[str, Any], *, references: tuple[tuple[str, str], ...] = ()
) -> tuple[str, list[Any]]:
    """`INSERT …` of one row and its values, to be sent with others in one statement.

    What is not given has the model's default. `references`: attribute and SQL of columns that are
    known only there, such as a key made in the same statement.
    """
    columns = _columns(model, references)
    values = list(columns.fixed)
    for place, field in columns.made:
        if field.attname not in given:
            values[place] = _prepared(field, field.get_default())
    for name, value in given.items():
        place, field = columns.places[name]
        values[place] = _prepared(field, value)
    return columns.text, values


@lru_cache(maxsize=64)
def _columns(model: type[Model], references: tuple[tuple[str, str], ...]) -> _Columns:
    known = dict(references)
    options = model._meta  # noqa: SLF001
    fields = [
        field
        for field in options.concrete_fields
        if not (field.primary_key or field.generated or field.has_db_default())
    ]
    valued = [field for field in fields if field.attname not in known]
    columns = ", ".join(str(field.column) for field in fields)
    places = ", ".join(known.get(field.attname, "%s") for field in fields)
    return _Columns(
        text=f"INSERT INTO {options.db_table} ({columns}) VALUES ({places})",  # noqa: S608
        fixed=tuple(
            None if callable(field.default) else _prepared(field, field.get_default())
            for field in valued
        ),
        made=tuple((at, field) for at, field in enumerate(valued) if callable(field.default)),
        places={field.attname: (at, field) for at, field in enumerate(valued)},
    )


def _prepared(field: Field, value: Any) -> Any:
    """As the ORM sends it; what is text or a number already, as it is."""
    if value is None or type(value) in (str, int, float):
        return value
    return field.get_db_prep_save(value, connection)
