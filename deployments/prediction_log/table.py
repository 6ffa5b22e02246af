"""Writing lines to PostgreSQL: by COPY where that is sure to write them once, else by INSERT."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
import structlog
from django.db import connections
from prometheus_client import Counter
from psycopg import sql

from deployments.prediction_log.encoding import COLUMNS, fields_of, without_payloads

log = structlog.get_logger(__name__)
TABLE: Final = "deployments_predictionlog"
CONNECT_S: Final = 3
# A commit waits for no disk: a crash of PostgreSQL loses the last fraction of a second.
SESSION: Final = (
    "SET synchronous_commit = off; SET statement_timeout = '10s'; SET lock_timeout = '10s'"
)
_NAMES = sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS)
COPY = sql.SQL("COPY {table} ({names}) FROM STDIN").format(
    table=sql.Identifier(TABLE), names=_NAMES
)
INSERT = sql.SQL("INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING").format(
    table=sql.Identifier(TABLE),
    names=_NAMES,
    values=sql.SQL(", ").join(sql.Placeholder() for _ in COLUMNS),
)
REFUSED = Counter(
    "hokusai_prediction_log_refused", "Rows that PostgreSQL refused to keep in the prediction log"
)
# What is wrong with the rows, not with the server; a retry would be refused again.
WRONG_ROWS: Final = (psycopg.DataError, psycopg.IntegrityError, ValueError)
Connection = psycopg.Connection[Any]


def connect() -> Connection:
    """A connection of its own, to the database that Django uses. Raises psycopg.Error."""
    given = connections["default"].get_connection_params()
    given.update(connect_timeout=CONNECT_S, tcp_user_timeout=10_000, autocommit=True)
    connection: Connection = psycopg.connect(**given)
    connection.execute(SESSION)
    return connection


def copy(connection: Connection, lines: Sequence[bytes]) -> None:
    """Write lines that no connection has seen before.

    Raises psycopg.Error; after one the lines may or may not be there, and `insert` takes them.
    """
    try:
        with connection.cursor() as cursor, cursor.copy(COPY) as copying:
            copying.write(b"".join(lines))
    except WRONG_ROWS:
        insert(connection, lines)


def insert(connection: Connection, lines: Sequence[bytes]) -> None:
    """Write lines of which some may be there; one that is refused is tried without payloads.

    Raises psycopg.Error where the server, not a row, is the reason.
    """
    try:
        rows = [fields_of(line) for line in lines]
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(INSERT, rows)
    except WRONG_ROWS:
        for line in lines:
            _insert_one(connection, line)


def _insert_one(connection: Connection, line: bytes) -> None:
    for one in (line, without_payloads(line)):
        try:
            connection.execute(INSERT, fields_of(one))
        except WRONG_ROWS as error:
            refused = str(error).partition("\n")[0]
        else:
            return
    REFUSED.inc()
    log.error("prediction_refused", error=refused)
