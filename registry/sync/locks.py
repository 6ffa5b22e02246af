"""One call after another to the tracking server, of all that concerns one model."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from hokusai.core.errors import OutsideUnavailable


class Busy(OutsideUnavailable):
    """Another worker tells the tracking server of this model; this one waits its turn."""

    code = "sync_busy"


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Hold what is named while nobody else does, without a transaction. Raises Busy.

    The database lets go when the connection ends, however the worker does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [what])
        if cursor.fetchone() != (True,):
            raise Busy(f"Another worker brings {what} in step.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [what])
