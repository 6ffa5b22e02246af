from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from psycopg import sql

_ALL = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
)
_PARTITIONS = """
SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = to_regclass(%s)
"""


class Command(BaseCommand):
    """Gives the role of web and workers what it needs, and keeps history out of its reach."""

    help = "Grant the runtime role its rights; append-only tables stay insert and read only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        role = sql.Identifier(options["role"])
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _ALL:
                cursor.execute(sql.SQL(statement).format(role=role))
            for table in settings.APPEND_ONLY_TABLES:
                for part in (table, *_partitions(cursor, table)):
                    cursor.execute(
                        sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                            table=sql.Identifier(part), role=role
                        )
                    )
            for table in settings.KEPT_TABLES:
                cursor.execute(
                    sql.SQL("REVOKE DELETE, TRUNCATE ON {table} FROM {role}").format(
                        table=sql.Identifier(table), role=role
                    )
                )
            for function in settings.RUNTIME_FUNCTIONS:
                cursor.execute(
                    sql.SQL("GRANT EXECUTE ON FUNCTION {function} TO {role}").format(
                        function=sql.SQL(function), role=role
                    )
                )
        self.stdout.write(f"{options['role']} may use every table and only append to history.")


def _partitions(cursor: Any, table: str) -> list[str]:
    """Names of the tables that a partitioned table is made of; none for a plain one."""
    cursor.execute(_PARTITIONS, [table])
    return [name for (name,) in cursor.fetchall()]
